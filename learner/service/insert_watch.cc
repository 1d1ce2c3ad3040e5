#include "learner/service/insert_watch.h"

#include <utility>

#include "common/process/log.h"

namespace estuary::learner {
namespace {

constexpr absl::Duration kInterval = absl::Milliseconds(200);
constexpr absl::Duration kPatience = absl::Seconds(2);
// A shard that restarted leaves a gap of 2^40 in its log.
constexpr uint64_t kLargestStep = uint64_t{1} << 39;

}  // namespace

std::vector<ShardPosition> CountOn(const std::vector<ShardPosition>& positions,
                                   const std::vector<ShardHolding>& holdings) {
  std::vector<ShardPosition> now = positions;
  for (size_t i = 0; i < now.size() && i < holdings.size(); ++i) {
    const ShardHolding& holding = holdings[i];
    ShardPosition& position = now[i];
    if (position.shard_id == holding.shard_id && holding.next_cursor >= position.cursor &&
        holding.next_cursor - position.cursor < kLargestStep) {
      position.rows += holding.next_cursor - position.cursor;
    }
    position.shard_id = holding.shard_id;
    position.cursor = holding.next_cursor;
  }
  return now;
}

InsertWatch::InsertWatch(std::vector<std::string> shards, std::string table,
                         std::vector<ShardPosition> positions)
    : shards_(std::move(shards)),
      table_(std::move(table)),
      positions_(std::move(positions)),
      thread_([this] { Loop(); }) {}

InsertWatch::~InsertWatch() {
  stop_.Notify();
  thread_.join();
}

void InsertWatch::Loop() {
  while (!stop_.WaitForNotificationWithTimeout(kInterval)) {
    const auto answers = AskShards(shards_, kPatience);
    // AskShards says in the log whom it waits for; the count stands until they answer.
    if (!answers.ok()) continue;
    const std::vector<ShardHolding> holdings = Holdings(*answers, table_);
    const absl::MutexLock lock(&mutex_);
    positions_ = CountOn(positions_, holdings);
  }
}

std::vector<ShardPosition> InsertWatch::positions() const {
  const absl::MutexLock lock(&mutex_);
  return positions_;
}

uint64_t InsertWatch::rows() const {
  const absl::MutexLock lock(&mutex_);
  uint64_t rows = 0;
  for (const ShardPosition& position : positions_) rows += position.rows;
  return rows;
}

}  // namespace estuary::learner
