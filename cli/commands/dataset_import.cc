// estuary dataset import: a file of transitions into table real of running shards.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/data/import_shown.h"
#include "common/client/replay_shards.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

struct Options {
  std::string replay;
  std::string task;
  std::optional<uint64_t> transitions;
};

absl::Status Import(const std::string& path, const Options& options) {
  if (options.replay.empty()) {
    return absl::InvalidArgumentError("--replay=ADDR,ADDR is needed: the shards to write to");
  }
  ESTUARY_ASSIGN_OR_RETURN(const std::vector<std::string> shards,
                           client::ParseShards(options.replay));
  return ImportShown(
      {.path = path, .shards = shards, .task = options.task, .transitions = options.transitions});
}

}  // namespace

Command DatasetImportCommand() {
  return {.name = "dataset import",
          .arguments = "FILE",
          .summary = "Put a dataset into table real of running replay shards",
          .details =
              "FILE is HDF5 in D4RL's layout or in Minari's; a folder is a Minari dataset. Row i "
              "goes to\n"
              "shard i mod S. A repeated import adds nothing.",
          .prepare = [](Flags& flags) -> Command::Run {
            auto options = std::make_shared<Options>();
            flags.Add("replay", &options->replay, "ADDR,ADDR", "the shard map");
            flags.Add("task", &options->task, "TASK", "refuse a table of another task");
            flags.Add("transitions", &options->transitions, "N", "only the first so many rows");
            return [options](const std::vector<std::string>& arguments) {
              return Import(arguments[0], *options);
            };
          }};
}

}  // namespace estuary::cli
