// estuary policy export: a policy file for other programs. estuary policy show: what is in one.
#include "common/policy/policy.h"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/commands/commands.h"
#include "cli/progress/format.h"
#include "common/policy/export/arrays.h"
#include "common/policy/export/hdf5_file.h"
#include "common/policy/export/npz.h"
#include "common/policy/export/onnx_model.h"
#include "common/process/files.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

struct Options {
  std::string format;
  std::string output;
  bool overwrite = false;
};

absl::StatusOr<v1::PolicyVersion> ReadOnly(const std::vector<std::string>& arguments) {
  if (arguments.size() != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "one policy file is needed, got ", arguments.size(), " (runs/NAME/final_policy.pb)"));
  }
  return policy::ReadPolicyFile(arguments[0]);
}

// The format that the name of the output means, where none is given.
absl::StatusOr<std::string> FormatOf(const Options& options) {
  std::string format = options.format;
  if (format.empty()) {
    if (absl::EndsWith(options.output, ".onnx")) format = "onnx";
    if (absl::EndsWith(options.output, ".npz")) format = "npz";
    if (absl::EndsWith(options.output, ".h5") || absl::EndsWith(options.output, ".hdf5")) {
      format = "hdf5";
    }
  }
  if (format == "onnx" || format == "npz" || format == "hdf5") return format;
  return absl::InvalidArgumentError(
      absl::StrCat("--format is '", format,
                   "'; it may be onnx, npz or hdf5, or left out where --output ends "
                   "in .onnx, .npz, .h5 or .hdf5"));
}

absl::Status Export(const Options& options, const std::vector<std::string>& arguments) {
  if (options.output.empty()) {
    return absl::InvalidArgumentError("--output=FILE is needed: where to write");
  }
  ESTUARY_ASSIGN_OR_RETURN(const std::string format, FormatOf(options));
  if (std::filesystem::exists(options.output) && !options.overwrite) {
    return absl::AlreadyExistsError(absl::StrCat(
        "'", options.output, "' exists; --overwrite replaces it, --output names another"));
  }
  ESTUARY_ASSIGN_OR_RETURN(const v1::PolicyVersion version, ReadOnly(arguments));
  if (format == "onnx") {
    ESTUARY_ASSIGN_OR_RETURN(const std::string bytes, policy::ToOnnx(version));
    ESTUARY_RETURN_IF_ERROR(process::WriteFileAtomically(options.output, bytes));
  } else {
    ESTUARY_ASSIGN_OR_RETURN(const policy::PolicyArrays arrays, policy::ToArrays(version));
    if (format == "npz") {
      ESTUARY_ASSIGN_OR_RETURN(const std::string bytes, policy::ToNpz(arrays));
      ESTUARY_RETURN_IF_ERROR(process::WriteFileAtomically(options.output, bytes));
    } else {
      ESTUARY_RETURN_IF_ERROR(policy::WriteHdf5(options.output, arrays));
    }
  }
  std::printf("%s: version %s of run %s, task %s\n", options.output.c_str(),
              WithCommas(version.version()).c_str(), version.run_id().c_str(),
              version.task().c_str());
  return absl::OkStatus();
}

absl::Status Show(const std::vector<std::string>& arguments) {
  ESTUARY_ASSIGN_OR_RETURN(const v1::PolicyVersion version, ReadOnly(arguments));
  std::string layers = absl::StrCat(version.observation_dim());
  for (const v1::DenseLayer& layer : version.layers())
    absl::StrAppend(&layers, "-", layer.outputs());
  const auto line = [](const char* name, const std::string& value) {
    std::printf("%-18s %s\n", name, value.c_str());
  };
  line("task", version.task());
  line("run", version.run_id());
  line("version", WithCommas(version.version()));
  line("gradient steps", WithCommas(version.gradient_steps()));
  line("environment steps", WithCommas(version.environment_steps()));
  line("observation", WithCommas(version.observation_dim()));
  line("action", WithCommas(version.action_dim()));
  line("layers", layers + " (mean and log std)");
  line("sha256", version.sha256());
  return absl::OkStatus();
}

}  // namespace

Command PolicyExportCommand() {
  return {.name = "policy export",
          .arguments = "FILE",
          .summary = "Write a policy file as ONNX, NumPy's npz or HDF5",
          .details =
              "ONNX: observation in; action, mean and log_std out; scaling is in the graph.\n"
              "npz and hdf5: every number by name, for any program that reads arrays.",
          .prepare = [](Flags& flags) -> Command::Run {
            auto options = std::make_shared<Options>();
            flags.Add("format", &options->format, "FORMAT",
                      "onnx, npz or hdf5; by default what the output's name says");
            flags.Add("output", &options->output, "FILE", "the file to write");
            flags.Add("overwrite", &options->overwrite, "replace a file that exists");
            return [options](const std::vector<std::string>& arguments) {
              return Export(*options, arguments);
            };
          }};
}

Command PolicyShowCommand() {
  return {.name = "policy show",
          .arguments = "FILE",
          .summary = "Tell what a policy file holds and where it comes from",
          .details = "",
          .prepare = [](Flags&) -> Command::Run { return Show; }};
}

}  // namespace estuary::cli
