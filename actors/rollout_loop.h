// The stepping loop of a rollout actor: act by the newest policy in all worlds at once, step them,
// record every row, hand full blocks over. It knows no network: policies come out of a PolicyInbox,
// rows go into a RowSink.
//
// Terms. A row's sequence number counts the actor's rows, over its restarts. The *limit* of
// lockstep is the sequence number up to which the policy in use may step. A *dropped* episode is
// one whose simulation diverged: what was recorded of it stays, the broken row and all after it
// never existed.
//
// Threads: one thread runs it; the policy inbox is the only thing shared. A step allocates nothing
// and locks nothing; once a block it looks at the clock, folds its counts into the metrics and
// gives the rows away.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "actors/actor_metrics.h"
#include "actors/exploration.h"
#include "actors/policy_inbox.h"
#include "actors/row_sink.h"
#include "common/transition/block.h"
#include "worlds/world.h"

namespace estuary::actor {

struct RolloutConfig {
  int index = 0;
  // The experiment's; mixed with the index and first_sequence, so that a restarted actor does not
  // repeat itself.
  uint64_t seed = 1;
  // Number of the first row, where the actor's previous life ended.
  uint64_t first_sequence = 0;
  // Rows below this number use uniform random actions.
  uint64_t random_steps = 0;
  double noise_correlation = 0;
  // No step before an update with a limit.
  bool lockstep = false;
  // A block is handed over when it has so many rows, or is so old.
  uint32_t block_rows = 512;
  absl::Duration block_time = absl::Milliseconds(50);
  // Who is waited for, in logs.
  std::string learner = "the learner";
  std::string replay = "the replay";
  // Called about once a second, also while the loop waits.
  std::function<void()> every_second = [] {};
};

class RolloutLoop {
 public:
  // All worlds are of one task, at least one; `schema` is theirs.
  RolloutLoop(RolloutConfig config, const transition::Schema& schema,
              std::vector<std::unique_ptr<worlds::World>> worlds, PolicyInbox& inbox, RowSink& sink,
              ActorMetrics& metrics);

  // Until `stop` or the final policy; what has been recorded is handed over where there is room. An
  // error is the sink's or the inbox's.
  absl::Status Run(const std::function<bool()>& stop);

  // Sequence number of the next row.
  uint64_t sequence() const { return sequence_; }
  // The final policy has come: nobody needs more rows.
  bool final() const { return final_; }

 private:
  // Worlds that may step now, the first so many; 0: none.
  int StepsAllowed() const;
  void StepWorlds(int count);
  void Record(int world, const worlds::StepResult& result, bool random);
  void StartEpisode(int world);
  absl::Status TakePolicy();
  absl::Status WaitForPolicy(const std::function<bool()>& stop);
  absl::Status HandOver(const std::function<bool()>& stop);
  void Tick(absl::Time now);
  void Fold();

  const RolloutConfig config_;
  const std::vector<std::unique_ptr<worlds::World>> worlds_;
  const int observation_dim_;
  const int action_dim_;
  PolicyInbox& inbox_;
  RowSink& sink_;
  ActorMetrics& metrics_;

  ReadyPolicy policy_;
  bool final_ = false;
  uint64_t sequence_;
  uint64_t limit_;
  uint32_t next_episode_;
  uint64_t dropped_ = 0;

  Exploration exploration_;
  std::vector<worlds::Random> random_;
  // One a world.
  std::vector<uint32_t> episodes_;
  std::vector<uint8_t> numbered_;
  std::vector<double> returns_;
  std::vector<uint32_t> lengths_;
  // [worlds, dim]: where each world is, and what it does next.
  std::vector<float> observations_;
  std::vector<float> actions_;
  // Of the world being stepped.
  std::vector<double> observation_;
  std::vector<double> action_;
  std::vector<float> next_observation_;

  transition::BlockBuilder rows_;
  // Rows say the gap's numbers that their episode had.
  const bool labelled_;
  absl::Time block_start_;
  absl::Time next_tick_;
  RolloutCounts counts_;
};

}  // namespace estuary::actor
