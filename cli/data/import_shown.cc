#include "cli/data/import_shown.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/data/importer.h"
#include "cli/data/left_out.h"
#include "cli/progress/display.h"
#include "cli/progress/format.h"
#include "common/dataset/dataset.h"
#include "common/process/shutdown.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

constexpr absl::Duration kAsk = absl::Seconds(10);
constexpr absl::Duration kPause = absl::Milliseconds(500);
constexpr absl::Duration kWord = absl::Seconds(5);

absl::StatusOr<transition::Schema> AwaitSchema(const ShownImportOptions& options,
                                               Display& display) {
  const absl::Time end = absl::Now() + options.patience;
  absl::Time next_word = absl::Now() + kWord;
  while (true) {
    absl::StatusOr<transition::Schema> schema =
        RealTableSchema(options.shards, std::min(kAsk, options.patience));
    const bool away =
        absl::IsUnavailable(schema.status()) || absl::IsDeadlineExceeded(schema.status());
    if (!away || absl::Now() >= end) return schema;
    if (absl::Now() >= next_word) {
      display.Say(absl::StrCat("waiting for the shards: ", schema.status().message()));
      next_word = absl::Now() + kWord;
    }
    if (process::SleepOrShutdown(kPause)) {
      return absl::CancelledError("stopped while waiting for the shards");
    }
  }
}

}  // namespace

absl::Status ImportShown(const ShownImportOptions& options) {
  ESTUARY_ASSIGN_OR_RETURN(const dataset::Reader reader, dataset::Reader::Open(options.path));
  const uint64_t rows =
      std::min(options.transitions.value_or(reader.info().rows), reader.info().rows);
  Display display({options.path});
  const uint64_t checked = RowsToCheck(reader.info().rows, rows, options.episodes_seed);
  ESTUARY_RETURN_IF_ERROR(dataset::CheckRows(reader, checked, [&](uint64_t done) {
    display.Update(0, {.phase = "checking", .done = done, .total = checked});
  }));
  ESTUARY_ASSIGN_OR_RETURN(const transition::Schema schema, AwaitSchema(options, display));
  if (!options.task.empty() && options.task != schema.task()) {
    return absl::FailedPreconditionError(absl::StrCat("table real holds task '", schema.task(),
                                                      "', and the task called for is '",
                                                      options.task, "'"));
  }
  ESTUARY_RETURN_IF_ERROR(
      reader.CheckFits(schema.task(), schema.observation_dim(), schema.action_dim()));
  ImportProgress progress;
  absl::Status status;
  std::atomic<bool> done{false};
  std::thread import([&] {
    status = ImportDataset({.path = options.path,
                            .rows = rows,
                            .episodes_seed = options.episodes_seed,
                            .shards = options.shards,
                            .schema = schema},
                           progress);
    done = true;
  });
  while (!done) {
    display.Update(0, {.phase = "importing", .done = progress.rows_sent, .total = rows});
    if (process::SleepOrShutdown(absl::Milliseconds(50))) progress.cancel = true;
  }
  import.join();
  display.Update(0, {.phase = "importing", .done = progress.rows_sent, .total = rows});
  ESTUARY_RETURN_IF_ERROR(status);
  display.Flush();
  std::printf("%s rows of %s are in table real of %zu shards\n%s", WithCommas(rows).c_str(),
              options.path.c_str(), options.shards.size(), LeftOut(reader.info()).c_str());
  return absl::OkStatus();
}

}  // namespace estuary::cli
