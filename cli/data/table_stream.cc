#include "cli/data/table_stream.h"

#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/client/replay_follower.h"
#include "common/client/replay_shards.h"
#include "common/experiment/experiment.h"
#include "common/process/status.h"
#include "common/transition/block.h"

namespace estuary::cli {
namespace {

enum class Kind { kImported, kOthers };

// One shard's rows of one kind, from its log's beginning to where it ended when we asked.
class ShardRows {
 public:
  static absl::StatusOr<ShardRows> Open(const TableStreamOptions& options, size_t shard,
                                        uint64_t end, Kind kind) {
    ESTUARY_ASSIGN_OR_RETURN(auto follower,
                             client::ReplayFollower::Start({.shards = {options.shards[shard]},
                                                            .table = experiment::kRealTable,
                                                            .schema = options.schema,
                                                            .cursors = {},
                                                            .queue_bytes = options.queue_bytes}));
    return ShardRows(std::move(follower), options.timeout, end, kind);
  }

  // The next row is block()[row()]; false at the end.
  absl::StatusOr<bool> Next() {
    while (true) {
      while (next_ < followed_.block.rows() && followed_.cursor + next_ < end_) {
        row_ = next_++;
        const bool imported = transition::Bytes(followed_.block, transition::kSource)[row_] ==
                              v1::TRANSITION_SOURCE_DATASET;
        if (imported == (kind_ == Kind::kImported)) return true;
      }
      if (followed_.end >= end_) return false;
      ESTUARY_ASSIGN_OR_RETURN(followed_, follower_->Next(timeout_));
      next_ = 0;
    }
  }
  const v1::TransitionBlock& block() const { return followed_.block; }
  size_t row() const { return row_; }

 private:
  ShardRows(std::unique_ptr<client::ReplayFollower> follower, absl::Duration timeout, uint64_t end,
            Kind kind)
      : follower_(std::move(follower)), timeout_(timeout), end_(end), kind_(kind) {}

  std::unique_ptr<client::ReplayFollower> follower_;
  absl::Duration timeout_;
  uint64_t end_ = 0;
  Kind kind_;
  client::FollowedBlock followed_;
  uint32_t next_ = 0;
  size_t row_ = 0;
};

// How a shard's log stands now.
struct Held {
  uint64_t rows = 0;
  uint64_t end = 0;
};

absl::StatusOr<std::vector<Held>> Ask(const TableStreamOptions& options, bool& imported) {
  std::vector<Held> held(options.shards.size());
  const auto answers = client::DescribeShards(options.shards, options.timeout);
  for (size_t i = 0; i < options.shards.size(); ++i) {
    if (!answers[i].ok()) {
      return process::Annotate(answers[i].status(), absl::StrCat("shard ", options.shards[i]));
    }
    const v1::TableStatus* table = client::FindTable(*answers[i], experiment::kRealTable);
    if (table == nullptr || table->rows() == 0) continue;
    held[i] = {.rows = table->rows(), .end = table->next_cursor()};
    // A spool that is sent late comes in bulk as well: the rows themselves say what they are.
    imported |= table->inserted_in_bulk() > 0;
  }
  return held;
}

}  // namespace

absl::Status StreamRealTable(
    const TableStreamOptions& options, TableStreamProgress& progress,
    absl::FunctionRef<absl::Status(const v1::TransitionBlock&, size_t)> take) {
  bool imported = false;
  ESTUARY_ASSIGN_OR_RETURN(const std::vector<Held> held, Ask(options, imported));
  uint64_t total = 0;
  for (const Held& shard : held) total += shard.rows;
  progress.total = total;
  const auto pass = [&](ShardRows& rows) -> absl::Status {
    ++progress.rows;
    return take(rows.block(), rows.row());
  };
  if (imported) {
    std::vector<ShardRows> turns;
    for (size_t i = 0; i < held.size(); ++i) {
      if (held[i].rows == 0) continue;
      ESTUARY_ASSIGN_OR_RETURN(ShardRows rows,
                               ShardRows::Open(options, i, held[i].end, Kind::kImported));
      turns.push_back(std::move(rows));
    }
    while (!turns.empty()) {
      for (auto turn = turns.begin(); turn != turns.end();) {
        ESTUARY_ASSIGN_OR_RETURN(const bool more, turn->Next());
        if (more) ESTUARY_RETURN_IF_ERROR(pass(*turn));
        turn = more ? turn + 1 : turns.erase(turn);
      }
    }
  }
  if (progress.rows == total) return absl::OkStatus();
  for (size_t i = 0; i < held.size(); ++i) {
    if (held[i].rows == 0) continue;
    ESTUARY_ASSIGN_OR_RETURN(ShardRows rows,
                             ShardRows::Open(options, i, held[i].end, Kind::kOthers));
    while (true) {
      ESTUARY_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      ESTUARY_RETURN_IF_ERROR(pass(rows));
    }
  }
  return absl::OkStatus();
}

}  // namespace estuary::cli
