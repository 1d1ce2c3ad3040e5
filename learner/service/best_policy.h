// Keeps the version that did best on the real dynamics: checkpoints/best, to go on from or to look
// at, best_policy.pb, to drive, and best_policy.json, which says how good it was.
//
// A version's evaluation comes when training is far beyond it, so the checkpoint of each version to
// be evaluated is kept as a *candidate* until its result is in.
//
// Trap: the best of many noisy means is better than its true mean, and it was chosen with returns
// from reality; the final policy is the run's honest result.
//
// For one thread, the training loop's.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "learner/service/checkpoint_store.h"
#include "learner/service/evaluations.h"

namespace estuary::learner {

class BestPolicy {
 public:
  struct Record {
    // 0: none yet.
    uint64_t version = 0;
    uint64_t gradient_steps = 0;
    double real_return = 0;
    int episodes = 0;
  };

  // `policy_path` and `record_path`: best_policy.pb and .json. `checkpoints` outlives this object.
  BestPolicy(std::string policy_path, std::string record_path, CheckpointStore* checkpoints);

  // What an earlier process of the run had found. DATA_LOSS names a record that does not parse.
  absl::Status Recall();

  // `checkpoint` has the version's policy as the file `policy_update.pb`.
  absl::Status AddCandidate(uint64_t version, const Checkpoint& checkpoint);
  // Keeps the candidate if it is better than the best so far, else lets it go. A version that is no
  // candidate any more changes nothing.
  absl::Status Offer(const Evaluations::RealResult& result);
  // Lets go of candidates other than these: nobody will evaluate them any more.
  void KeepOnly(const std::set<uint64_t>& versions);

  const Record& best() const { return best_; }

 private:
  const std::string policy_path_;
  const std::string record_path_;
  CheckpointStore* const checkpoints_;
  Record best_;
};

}  // namespace estuary::learner
