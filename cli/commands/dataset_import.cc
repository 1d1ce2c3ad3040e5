// estuary dataset import: a file of transitions into table real of running shards.
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/commands/commands.h"
#include "cli/data/importer.h"
#include "cli/data/left_out.h"
#include "cli/progress/display.h"
#include "cli/progress/format.h"
#include "common/client/replay_shards.h"
#include "common/dataset/dataset.h"
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
  ESTUARY_ASSIGN_OR_RETURN(const dataset::Reader reader, dataset::Reader::Open(path));
  const uint64_t rows =
      std::min(options.transitions.value_or(reader.info().rows), reader.info().rows);
  {
    Display display({path});
    ESTUARY_RETURN_IF_ERROR(dataset::CheckRows(reader, rows, [&](uint64_t done) {
      display.Update(0, {.phase = "checking", .done = done, .total = rows});
    }));
  }
  ESTUARY_ASSIGN_OR_RETURN(const std::vector<std::string> shards,
                           client::ParseShards(options.replay));
  ESTUARY_ASSIGN_OR_RETURN(const transition::Schema schema,
                           RealTableSchema(shards, absl::Seconds(10)));
  if (!options.task.empty() && options.task != schema.task()) {
    return absl::FailedPreconditionError(absl::StrCat("table real holds task '", schema.task(),
                                                      "', --task says '", options.task, "'"));
  }
  ESTUARY_RETURN_IF_ERROR(
      reader.CheckFits(schema.task(), schema.observation_dim(), schema.action_dim()));
  ImportProgress progress;
  absl::Status status;
  std::atomic<bool> done{false};
  std::thread import([&] {
    status =
        ImportDataset({.path = path, .rows = rows, .shards = shards, .schema = schema}, progress);
    done = true;
  });
  {
    Display display({path});
    while (!done) {
      display.Update(0, {.phase = "importing", .done = progress.rows_sent, .total = rows});
      absl::SleepFor(absl::Milliseconds(50));
    }
    import.join();
    display.Update(0, {.phase = "importing", .done = progress.rows_sent, .total = rows});
  }
  ESTUARY_RETURN_IF_ERROR(status);
  std::printf("%s rows of %s are in table real of %zu shards\n%s", WithCommas(rows).c_str(),
              path.c_str(), shards.size(), LeftOut(reader.info()).c_str());
  return absl::OkStatus();
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
