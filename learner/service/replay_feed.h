// Brings one table's rows from the shards into the learner's own replay.
//
// First it can load a known part of the logs, shard after shard, so that the same part always
// gives the same rows in the same order (a resumed run fills its replay this way). Then it follows
// live, in the order of arrival, taking no more rows than it is asked to: the rest waits in the
// follower's bounded queue and, behind that, on the shards.
//
// For one thread, the training loop's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/client/replay_follower.h"
#include "common/transition/schema.h"
#include "learner/core/replay/device_replay.h"
#include "learner/core/replay/moments_sum.h"
#include "learner/service/run_state.h"

namespace estuary::learner {

class ReplayFeed {
 public:
  struct Options {
    std::vector<std::string> shards;
    std::string table;
    transition::Schema schema;
    // Both outlive the feed. Where there are moments, rows go into them instead of the replay.
    DeviceReplay* replay;
    MomentsSum* moments = nullptr;
  };

  explicit ReplayFeed(const Options& options);

  // For each shard, appends the rows from positions[i].start up to positions[i].cursor, or up to
  // where the shard's rows end (`held[i]` rows at most). Afterwards positions() are these, with the
  // rows that were there. `say` is told every 5 s whom it waits for. CANCELLED on shutdown.
  absl::Status Load(const std::vector<ShardPosition>& positions, const std::vector<uint64_t>& held,
                    const std::function<void(const std::string&)>& say);

  // Follows from positions() on. `sampled`: samples that each shard has counted; empty: none.
  absl::Status Follow(std::vector<double> sampled = {});

  // Appends what has come, `most` rows at most; waits up to `timeout` where nothing has. Returns
  // the rows appended.
  absl::StatusOr<uint64_t> Take(uint64_t most, absl::Duration timeout);

  void ReportSamples(double samples);

  const std::vector<ShardPosition>& positions() const { return positions_; }
  // Rows evicted or gone before they could be taken, since Follow; a gap that a restarted shard
  // leaves in its log is not counted.
  uint64_t lost() const { return lost_; }
  // Rows the shards hold beyond what was taken, when they last said.
  uint64_t behind() const;
  // The shards that cannot be reached now, in words; empty where all can.
  std::string Away() const;

 private:
  absl::Status LoadShard(size_t shard, uint64_t held,
                         const std::function<void(const std::string&)>& say);
  // Rows [from, from + count) of the block.
  absl::Status Append(const v1::TransitionBlock& block, uint64_t from, uint64_t count,
                      const std::string& shard);

  const Options options_;
  std::vector<ShardPosition> positions_;
  std::unique_ptr<client::ReplayFollower> follower_;
  // The block that is being taken, and how many of its rows were.
  std::optional<client::FollowedBlock> block_;
  uint64_t taken_ = 0;
  uint64_t lost_ = 0;
  std::vector<float> terminal_;
};

}  // namespace estuary::learner
