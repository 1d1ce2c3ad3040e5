// estuary dataset export: table real of running shards as a dataset.
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/commands/commands.h"
#include "cli/data/exporter.h"
#include "cli/data/importer.h"
#include "cli/progress/display.h"
#include "cli/progress/format.h"
#include "common/client/replay_shards.h"
#include "common/dataset/writer.h"
#include "common/process/files.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string replay;
  std::string output;
  std::string layout = "d4rl";
  std::string minari_id;
  bool overwrite = false;
};

absl::StatusOr<std::unique_ptr<dataset::Writer>> MakeWriter(const Options& options,
                                                            const transition::Schema& schema) {
  const dataset::Origin origin = {.task = schema.task(),
                                  .generator = "export",
                                  .observation_dim = schema.observation_dim(),
                                  .action_dim = schema.action_dim()};
  const std::string folder = fs::path(options.output).parent_path().string();
  if (!folder.empty()) ESTUARY_RETURN_IF_ERROR(process::CreateDirectories(folder));
  if (options.layout == "d4rl") return dataset::CreateD4rl(options.output, origin);
  const std::string id =
      options.minari_id.empty() ? fs::path(options.output).filename().string() : options.minari_id;
  return dataset::CreateMinari(options.output, id, origin);
}

absl::Status CheckOptions(const Options& options) {
  if (options.replay.empty() || options.output.empty()) {
    return absl::InvalidArgumentError(
        "--replay=ADDR,ADDR and --output=FILE are needed: the shards to read, and where to write");
  }
  if (options.layout != "d4rl" && options.layout != "minari") {
    return absl::InvalidArgumentError(
        absl::StrCat("--layout is '", options.layout, "'; there are d4rl and minari"));
  }
  std::error_code error;
  if (fs::exists(options.output, error) && !options.overwrite) {
    return absl::AlreadyExistsError(absl::StrCat(
        "'", options.output, "' exists; --overwrite replaces it, --output names another"));
  }
  // What an overwritten Minari dataset's folder holds is thrown away: it must be one.
  if (options.layout == "minari" && fs::exists(options.output, error) &&
      !fs::exists(options.output + "/data/metadata.json", error)) {
    return absl::FailedPreconditionError(
        absl::StrCat("'", options.output,
                     "' is not a Minari dataset and is not overwritten; --output names "
                     "another"));
  }
  if (options.layout == "d4rl" && fs::is_directory(options.output, error)) {
    return absl::FailedPreconditionError(
        absl::StrCat("'", options.output, "' is a folder; a D4RL dataset is a file"));
  }
  return absl::OkStatus();
}

absl::Status Export(const Options& options) {
  ESTUARY_RETURN_IF_ERROR(CheckOptions(options));
  ESTUARY_ASSIGN_OR_RETURN(const std::vector<std::string> shards,
                           client::ParseShards(options.replay));
  ESTUARY_ASSIGN_OR_RETURN(const transition::Schema schema,
                           RealTableSchema(shards, absl::Seconds(10)));
  ESTUARY_ASSIGN_OR_RETURN(const std::unique_ptr<dataset::Writer> writer,
                           MakeWriter(options, schema));
  TableStreamProgress progress;
  absl::Status status;
  std::atomic<bool> done{false};
  std::thread work([&] {
    status = ExportTable({.shards = shards, .schema = schema}, *writer, progress);
    done = true;
  });
  {
    Display display({options.output});
    const auto show = [&] {
      display.Update(0, {.phase = "exporting", .done = progress.rows, .total = progress.total});
    };
    while (!done) {
      show();
      absl::SleepFor(absl::Milliseconds(50));
    }
    work.join();
    show();
  }
  ESTUARY_RETURN_IF_ERROR(status);
  std::printf("%s: %s transitions of %s\n", options.output.c_str(),
              WithCommas(progress.rows).c_str(), schema.task().c_str());
  return absl::OkStatus();
}

}  // namespace

Command DatasetExportCommand() {
  return {.name = "dataset export",
          .arguments = "",
          .summary = "Write table real of running replay shards as a dataset",
          .details =
              "HDF5 in D4RL's layout or in Minari's; holds what the table holds now. Minari's "
              "package\n"
              "loads what was written to $MINARI_DATASETS_PATH/NAME-v0 as \"NAME-v0\".",
          .prepare = [](Flags& flags) -> Command::Run {
            auto options = std::make_shared<Options>();
            flags.Add("replay", &options->replay, "ADDR,ADDR", "the shard map");
            flags.Add("output", &options->output, "FILE", "the file, or Minari's folder, to write");
            flags.Add("layout", &options->layout, "d4rl|minari", "what to write");
            flags.Add("minari_id", &options->minari_id, "ID",
                      "NAMESPACE/NAME-v0 (default: the folder's name)");
            flags.Add("overwrite", &options->overwrite, "replace what exists");
            return [options](const std::vector<std::string>&) { return Export(*options); };
          }};
}

}  // namespace estuary::cli
