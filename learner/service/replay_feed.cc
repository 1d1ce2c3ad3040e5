#include "learner/service/replay_feed.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/process/shutdown.h"
#include "common/process/status.h"
#include "learner/service/block_columns.h"

namespace estuary::learner {
namespace {

// A shard that restarted leaves a gap of 2^40 in its log; a ring that overtook the learner, at most
// what a ring holds.
constexpr uint64_t kLargestLoss = uint64_t{1} << 39;

}  // namespace

ReplayFeed::ReplayFeed(const Options& options)
    : options_(options), positions_(options.shards.size()) {}

absl::Status ReplayFeed::Append(const v1::TransitionBlock& block, uint64_t from, uint64_t count,
                                const std::string& shard) {
  const TransitionColumns columns = BlockColumns(options_.schema, block, from, count, &terminal_);
  const absl::Status status =
      options_.moments == nullptr ? options_.replay->Append(columns) : absl::OkStatus();
  if (options_.moments != nullptr) options_.moments->Add(columns);
  if (status.ok()) return status;
  return process::Annotate(status,
                           absl::StrCat("table '", options_.table, "' of the shard at ", shard));
}

absl::Status ReplayFeed::Load(const std::vector<ShardPosition>& positions,
                              const std::vector<uint64_t>& held,
                              const std::function<void(const std::string&)>& say) {
  positions_ = positions;
  for (size_t i = 0; i < positions_.size(); ++i) {
    ESTUARY_RETURN_IF_ERROR(LoadShard(i, held[i], say));
  }
  return absl::OkStatus();
}

absl::Status ReplayFeed::LoadShard(size_t shard, uint64_t held,
                                   const std::function<void(const std::string&)>& say) {
  ShardPosition& position = positions_[shard];
  position.rows = 0;
  if (held == 0 || position.start >= position.cursor) return absl::OkStatus();
  const std::string& address = options_.shards[shard];
  ESTUARY_ASSIGN_OR_RETURN(const auto follower,
                           client::ReplayFollower::Start({.shards = {address},
                                                          .table = options_.table,
                                                          .schema = options_.schema,
                                                          .cursors = {position.start}}));
  const absl::Time start = absl::Now();
  absl::Time next_word = start + absl::Seconds(5);
  while (position.rows < held) {
    if (process::ShutdownRequested()) {
      return absl::CancelledError(
          absl::StrCat("stopped while loading table '", options_.table, "'"));
    }
    absl::StatusOr<client::FollowedBlock> next = follower->Next(absl::Milliseconds(200));
    if (absl::IsDeadlineExceeded(next.status())) {
      if (absl::Now() >= next_word) {
        say(absl::StrCat("loading table '", options_.table, "': waiting for the shard at ", address,
                         " since ",
                         absl::FormatDuration(absl::Trunc(absl::Now() - start, absl::Seconds(1))),
                         ", ", position.rows, " of ", held, " rows are here"));
        next_word = absl::Now() + absl::Seconds(5);
      }
      continue;
    }
    ESTUARY_RETURN_IF_ERROR(next.status());
    if (next->cursor >= position.cursor) break;
    const uint64_t count = std::min<uint64_t>(next->block.rows(), position.cursor - next->cursor);
    ESTUARY_RETURN_IF_ERROR(Append(next->block, 0, count, address));
    position.rows += count;
    if (next->caught_up || next->cursor + count >= position.cursor) break;
  }
  return absl::OkStatus();
}

absl::Status ReplayFeed::Follow(std::vector<double> sampled) {
  std::vector<uint64_t> cursors;
  std::vector<uint64_t> rows;
  for (const ShardPosition& position : positions_) {
    cursors.push_back(position.cursor);
    rows.push_back(position.rows);
  }
  ESTUARY_ASSIGN_OR_RETURN(follower_,
                           client::ReplayFollower::Start({.shards = options_.shards,
                                                          .table = options_.table,
                                                          .schema = options_.schema,
                                                          .cursors = std::move(cursors),
                                                          .rows_before = std::move(rows),
                                                          .samples_before = std::move(sampled)}));
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> ReplayFeed::Take(uint64_t most, absl::Duration timeout) {
  if (most == 0) return 0;
  if (!block_.has_value()) {
    absl::StatusOr<client::FollowedBlock> next = follower_->Next(timeout);
    if (absl::IsDeadlineExceeded(next.status())) return 0;
    ESTUARY_RETURN_IF_ERROR(next.status());
    if (next->lost < kLargestLoss) lost_ += next->lost;
    block_ = *std::move(next);
    taken_ = 0;
  }
  const uint64_t count = std::min<uint64_t>(most, block_->block.rows() - taken_);
  ESTUARY_RETURN_IF_ERROR(Append(block_->block, taken_, count, options_.shards[block_->shard]));
  taken_ += count;
  ShardPosition& position = positions_[block_->shard];
  position.rows += count;
  position.cursor = block_->cursor + taken_;
  if (taken_ == block_->block.rows()) {
    position.cursor = block_->end;
    block_.reset();
  }
  return count;
}

void ReplayFeed::ReportSamples(double samples) { follower_->ReportSamples(samples); }

uint64_t ReplayFeed::behind() const {
  uint64_t rows = block_.has_value() ? block_->block.rows() - taken_ : 0;
  if (follower_ == nullptr) return rows;
  for (const auto& shard : follower_->stats()) rows += shard.behind;
  return rows;
}

std::string ReplayFeed::Away() const {
  if (follower_ == nullptr) return "";
  const auto stats = follower_->stats();
  std::vector<std::string> away;
  for (size_t i = 0; i < stats.size(); ++i) {
    if (!stats[i].connected) away.push_back(options_.shards[i]);
  }
  return absl::StrJoin(away, ", ");
}

}  // namespace estuary::learner
