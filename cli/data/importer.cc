#include "cli/data/importer.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/client/replay_shards.h"
#include "common/client/replay_writer.h"
#include "common/dataset/choose.h"
#include "common/dataset/dataset.h"
#include "common/experiment/experiment.h"
#include "common/process/shutdown.h"
#include "common/process/status.h"
#include "common/transition/block.h"

namespace estuary::cli {
namespace {

constexpr size_t kReadAtOnce = 4096;
constexpr absl::Duration kGlance = absl::Milliseconds(100);

absl::Status CheckCancel(const ImportProgress& progress) {
  if (!progress.cancel && !process::ShutdownRequested()) return absl::OkStatus();
  return absl::CancelledError("the import was stopped");
}

// One shard's part.
struct Part {
  std::unique_ptr<client::ReplayWriter> writer;
  transition::BlockBuilder builder;
};

absl::StatusOr<std::vector<Part>> StartParts(const ImportOptions& options) {
  ESTUARY_ASSIGN_OR_RETURN(const std::string fingerprint, dataset::Fingerprint(options.path));
  const int count = static_cast<int>(options.shards.size());
  // Other rows, or the same dealt out to another number of shards, are another sequence.
  const std::string choice = options.episodes_seed.has_value()
                                 ? absl::StrCat(":", options.rows, "-by-", *options.episodes_seed)
                                 : "";
  std::vector<Part> parts;
  for (int i = 0; i < count; ++i) {
    client::ReplayWriterOptions writer{
        .shards = options.shards,
        .table = experiment::kRealTable,
        .writer_id =
            absl::StrCat("dataset:", fingerprint.substr(0, 16), choice, "/", i, "of", count),
        .schema = options.schema,
        .shard = i,
        .first_sequence = 0,
        .bulk = true};
    ESTUARY_ASSIGN_OR_RETURN(auto started, client::ReplayWriter::Start(std::move(writer)));
    parts.push_back({std::move(started), transition::BlockBuilder(options.schema)});
  }
  return parts;
}

// The column that holds what the policy wanted; -1 where the table has none.
int PolicyActionColumn(const transition::Schema& schema) {
  for (int i = transition::kStandardColumns; i < schema.columns(); ++i) {
    if (schema.proto().columns(i).name() == "policy_action" &&
        schema.column_bytes(i) == schema.column_bytes(transition::kAction)) {
      return i;
    }
  }
  return -1;
}

absl::StatusOr<std::vector<dataset::Range>> RangesOf(const ImportOptions& options,
                                                     const dataset::Reader& reader) {
  const uint64_t rows = std::min(options.rows, reader.info().rows);
  if (!options.episodes_seed.has_value()) return std::vector<dataset::Range>{{0, rows}};
  return dataset::ChooseEpisodes(reader, rows, *options.episodes_seed);
}

absl::Status Send(Part& part, const ImportProgress& progress) {
  while (part.builder.rows() > 0) {
    ESTUARY_ASSIGN_OR_RETURN(const bool taken, part.writer->TryAppend(part.builder));
    if (taken) break;
    ESTUARY_RETURN_IF_ERROR(CheckCancel(progress));
    absl::SleepFor(absl::Milliseconds(2));
  }
  return absl::OkStatus();
}

absl::Status Flush(client::ReplayWriter& writer, const ImportProgress& progress) {
  while (true) {
    const absl::Status status = writer.Flush(kGlance);
    if (status.code() != absl::StatusCode::kDeadlineExceeded) return status;
    ESTUARY_RETURN_IF_ERROR(CheckCancel(progress));
  }
}

}  // namespace

std::optional<uint64_t> EpisodesSeed(const v1::Experiment& experiment) {
  if (experiment.dataset().choice() != v1::Dataset::EPISODES) return std::nullopt;
  return experiment.seed();
}

absl::Status ImportDataset(const ImportOptions& options, ImportProgress& progress) {
  ESTUARY_ASSIGN_OR_RETURN(const dataset::Reader reader, dataset::Reader::Open(options.path));
  ESTUARY_ASSIGN_OR_RETURN(const std::vector<dataset::Range> ranges, RangesOf(options, reader));
  ESTUARY_ASSIGN_OR_RETURN(std::vector<Part> parts, StartParts(options));
  const int policy_action = PolicyActionColumn(options.schema);
  dataset::Batch batch;
  uint32_t episode = 0;
  uint64_t sent = 0;
  for (const dataset::Range& range : ranges) {
    bool ended = true;
    const uint64_t end = range.first + range.count;
    for (uint64_t first = range.first; first < end; first += kReadAtOnce) {
      ESTUARY_RETURN_IF_ERROR(CheckCancel(progress));
      ESTUARY_RETURN_IF_ERROR(
          reader.Read(first, std::min<uint64_t>(kReadAtOnce, end - first), batch));
      for (size_t i = 0; i < batch.rows; ++i) {
        transition::BlockBuilder& builder = parts[sent++ % parts.size()].builder;
        const transition::Row row = batch.Row(i, episode);
        builder.Add(row);
        if (policy_action >= 0) builder.SetExtra(policy_action, row.action.data());
        ended = batch.EndsEpisode(i);
        if (ended) ++episode;
      }
      for (Part& part : parts) ESTUARY_RETURN_IF_ERROR(Send(part, progress));
      progress.rows_sent = sent;
    }
    // An episode that was cut short does not go on in the next range.
    if (!ended) ++episode;
  }
  for (Part& part : parts) ESTUARY_RETURN_IF_ERROR(Flush(*part.writer, progress));
  return absl::OkStatus();
}

absl::StatusOr<transition::Schema> RealTableSchema(const std::vector<std::string>& shards,
                                                   absl::Duration timeout) {
  const auto answers = client::DescribeShards(shards, timeout);
  std::vector<transition::Schema> schemas;
  for (size_t i = 0; i < shards.size(); ++i) {
    if (!answers[i].ok()) {
      return process::Annotate(answers[i].status(), absl::StrCat("shard ", shards[i]));
    }
    const v1::TableStatus* table = client::FindTable(*answers[i], experiment::kRealTable);
    if (table == nullptr) {
      return absl::NotFoundError(
          absl::StrCat("shard ", shards[i], " has no table '", experiment::kRealTable, "'"));
    }
    ESTUARY_ASSIGN_OR_RETURN(transition::Schema schema,
                             transition::Schema::FromProto(table->config().schema()));
    schemas.push_back(std::move(schema));
    ESTUARY_RETURN_IF_ERROR(schemas.front().CheckEqual(
        schemas.back(),
        absl::StrCat("table real of shard ", shards[0], ", against shard ", shards[i], ",")));
  }
  return schemas.front();
}

}  // namespace estuary::cli
