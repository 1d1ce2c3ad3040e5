// Brings rows that the shards sampled into a replay in order (device_replay.h): for a table that
// the learner's device is too small for. What is drawn is distributed as from a replay that holds
// the table: uniformly over all rows of all shards.
//
// A supply of a few dozen steps is kept, so that the update loop does not wait for the network.
//
// For one thread, the training loop's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/client/replay_sampler.h"
#include "common/transition/schema.h"
#include "learner/core/replay/device_replay.h"
#include "learner/service/insert_watch.h"
#include "learner/service/run_state.h"

namespace estuary::learner {

class SampledFeed {
 public:
  struct Options {
    std::vector<std::string> shards;
    std::string table;
    transition::Schema schema;
    Device device = Device::kCpu;
    // That one gradient step draws.
    uint64_t rows_per_step = 1;
    uint64_t seed = 1;
    // Where the run's part of the logs begins, and what of it was counted.
    std::vector<ShardPosition> positions;
  };

  static absl::StatusOr<std::unique_ptr<SampledFeed>> Start(const Options& options);

  DeviceReplay* replay() { return replay_.get(); }

  // Appends what has come and there is room for, without waiting.
  absl::Status TopUp();
  // Whole gradient steps that the supply is enough for.
  uint64_t steps() const { return static_cast<uint64_t>(replay_->size()) / options_.rows_per_step; }

  // Rows that the table took in since the run began.
  uint64_t inserted() const { return watch_.rows(); }
  std::vector<ShardPosition> positions() const { return watch_.positions(); }

 private:
  SampledFeed(const Options& options, std::unique_ptr<DeviceReplay> replay,
              std::unique_ptr<client::ReplaySampler> sampler);

  const Options options_;
  std::unique_ptr<DeviceReplay> replay_;
  std::unique_ptr<client::ReplaySampler> sampler_;
  InsertWatch watch_;
  client::SampledBatch batch_;
  std::vector<float> terminal_;
};

}  // namespace estuary::learner
