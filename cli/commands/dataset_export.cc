// estuary dataset export: table real of running shards as a file.
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/commands/commands.h"
#include "cli/data/importer.h"
#include "cli/data/recorded.h"
#include "cli/progress/format.h"
#include "common/client/replay_shards.h"
#include "common/process/status.h"
#include "worlds/dataset/columns.h"

namespace estuary::cli {
namespace {

struct Options {
  std::string replay;
  std::string output;
  bool overwrite = false;
};

absl::Status Export(const Options& options) {
  if (options.replay.empty() || options.output.empty()) {
    return absl::InvalidArgumentError(
        "--replay=ADDR,ADDR and --output=FILE are needed: the shards to read, and where to write");
  }
  if (std::filesystem::exists(options.output) && !options.overwrite) {
    return absl::AlreadyExistsError(absl::StrCat(
        "'", options.output, "' exists; --overwrite replaces it, --output names another"));
  }
  ESTUARY_ASSIGN_OR_RETURN(const std::vector<std::string> shards,
                           client::ParseShards(options.replay));
  ESTUARY_ASSIGN_OR_RETURN(const transition::Schema schema,
                           RealTableSchema(shards, absl::Seconds(10)));
  ESTUARY_ASSIGN_OR_RETURN(const Recorded recorded,
                           ReadRealTable(shards, schema, absl::Seconds(30)));
  if (recorded.columns.size() == 0) {
    return absl::FailedPreconditionError("table real holds no rows yet; nothing was written");
  }
  ESTUARY_RETURN_IF_ERROR(worlds::WriteD4rl(options.output, recorded.columns,
                                            {.task = schema.task(), .generator = "export"}));
  std::printf("%s: %s transitions of %s\n", options.output.c_str(),
              WithCommas(recorded.columns.size()).c_str(), schema.task().c_str());
  return absl::OkStatus();
}

}  // namespace

Command DatasetExportCommand() {
  return {.name = "dataset export",
          .arguments = "",
          .summary = "Write table real of running replay shards as a dataset",
          .details = "HDF5 in D4RL's layout; holds what the table holds now.",
          .prepare = [](Flags& flags) -> Command::Run {
            auto options = std::make_shared<Options>();
            flags.Add("replay", &options->replay, "ADDR,ADDR", "the shard map");
            flags.Add("output", &options->output, "FILE", "the file to write");
            flags.Add("overwrite", &options->overwrite, "replace a file that exists");
            return [options](const std::vector<std::string>&) { return Export(*options); };
          }};
}

}  // namespace estuary::cli
