// The data a run trains on: the two replays on the device, filled from the shards, and the feeds
// that keep them filled.
//
// A fresh run waits until table real holds all of the experiment's transitions; D is what the table
// holds then, and grows with it where the experiment says so (Dataset.extend). It takes no
// simulated row that was there before it began. A resumed run loads just what its checkpoint had;
// simulated rows that a restarted shard lost are made again, except in a deterministic run,
// which could not go on bit for bit and says so.
//
// A table that the device's budget does not allow for is not followed: its rows come as samples of
// the shards, from the same distribution, and a deterministic run refuses.
//
// For one thread.
#pragma once

#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "estuary/v1/experiment.pb.h"
#include "learner/core/replay/device_replay.h"
#include "learner/service/replay_feed.h"
#include "learner/service/replay_plan.h"
#include "learner/service/run_state.h"
#include "learner/service/sampled_feed.h"
#include "learner/service/shard_survey.h"

namespace estuary::learner {

class TrainingData {
 public:
  struct Options {
    // Effective; outlives this object.
    const v1::Experiment* experiment;
    std::vector<std::string> shards;
    // For a shard that does not answer at the start.
    absl::Duration patience;
    // Told whom it waits for, every 5 s.
    std::function<void(const std::string&)> say;
    // A transition's dimensions are known: the learner can check the experiment against them
    // before the data is waited for.
    std::function<absl::Status(int observation_dim, int action_dim)> check;
  };

  // `state`: null for a fresh run, else the checkpoint's; its environment_steps may shrink by rows
  // that are gone.
  static absl::StatusOr<std::unique_ptr<TrainingData>> Open(const Options& options,
                                                            RunState* state);

  // What steps draw from; null where the algorithm does not use them.
  DeviceReplay* real() const { return real_samples_ ? real_samples_->replay() : real_.get(); }
  DeviceReplay* sim() const { return sim_samples_ ? sim_samples_->replay() : sim_.get(); }
  // A table that is used has one of the two.
  ReplayFeed* real_feed() const { return real_feed_.get(); }
  ReplayFeed* sim_feed() const { return sim_feed_.get(); }
  SampledFeed* real_samples() const { return real_samples_.get(); }
  SampledFeed* sim_samples() const { return sim_samples_.get(); }
  // Rows of the tables that batches are drawn from, wherever they are.
  uint64_t real_rows() const;
  uint64_t sim_rows() const;

  int observation_dim() const { return schema_.observation_dim(); }
  int action_dim() const { return schema_.action_dim(); }

  // Samples the limiters should know of but do not, because a learner died before it told them.
  double UnreportedSamples(double drawn) const {
    return std::max(0.0, drawn - std::accumulate(sampled_.begin(), sampled_.end(), 0.0));
  }
  // Samples of table sim that each shard had counted at the start.
  const std::vector<double>& sampled() const { return sampled_; }

 private:
  TrainingData(const Options& options, transition::Schema schema)
      : options_(options), schema_(std::move(schema)) {}

  absl::Status Plan();
  absl::Status OpenReal(const RunState* state);
  // In the place of the loading that follows where the device holds the table.
  absl::Status SampleReal(const std::vector<ShardPosition>& positions,
                          const std::vector<ShardHolding>& holdings);
  absl::Status SampleSim(const RunState* state, const std::vector<ShardHolding>& holdings);
  absl::Status OpenSim(RunState* state);
  absl::StatusOr<std::vector<ShardHolding>> WaitForRealRows();
  absl::StatusOr<std::unique_ptr<DeviceReplay>> MakeReplay(const std::string& table,
                                                           uint64_t capacity, Overflow overflow);
  // Where the run's part of the logs is now: the checkpoint's positions, or, for a shard whose log
  // is another one, all it holds.
  absl::StatusOr<std::vector<ShardPosition>> ResumedPositions(
      const std::string& table, const std::vector<ShardPosition>& saved,
      const std::vector<ShardHolding>& holdings) const;

  const Options options_;
  const transition::Schema schema_;
  std::unique_ptr<DeviceReplay> real_;
  std::unique_ptr<DeviceReplay> sim_;
  std::unique_ptr<ReplayFeed> real_feed_;
  std::unique_ptr<ReplayFeed> sim_feed_;
  ReplayPlan plan_;
  std::unique_ptr<SampledFeed> real_samples_;
  std::unique_ptr<SampledFeed> sim_samples_;
  std::vector<double> sampled_;
};

}  // namespace estuary::learner
