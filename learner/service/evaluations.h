// The evaluations a run asks for and the reports that come in: checks each report, writes it to
// evaluations.jsonl, and knows which versions still wait.
//
// A version waits for one report for each of the two dynamics of which the experiment wants
// episodes. A report that comes again (its answer was lost) is taken and not written again.
//
// Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "estuary/v1/experiment.pb.h"
#include "estuary/v1/learner.pb.h"
#include "learner/service/json_lines.h"
#include "learner/service/learner_metrics.h"

namespace estuary::learner {

class Evaluations {
 public:
  // Newest results, for Status.
  struct Newest {
    uint64_t version = 0;
    double real_return = 0;
    double sim_return = 0;
  };

  // A version's episodes on the real dynamics.
  struct RealResult {
    uint64_t version = 0;
    double mean_return = 0;
    int episodes = 0;
  };

  // Both outlive this object. `metrics` may be null.
  Evaluations(const v1::Evaluation& wanted, JsonLines* lines, LearnerMetrics* metrics = nullptr);

  // The experiment wants evaluations at all.
  bool wanted() const { return !dynamics_.empty(); }

  // A line that the file holds already from before a restart: its report is in.
  void Recall(const nlohmann::json& line);

  // From now on reports of this version are awaited.
  void Expect(uint64_t version, uint64_t gradient_steps, uint64_t environment_steps);

  // INVALID_ARGUMENT for a report that makes no sense, NOT_FOUND for a version that was never to be
  // evaluated, another error where it could not be written. `complete`: nothing of the version
  // is awaited any more.
  absl::Status Report(const v1::ReportEvaluationRequest& report, bool* complete);

  bool Complete(uint64_t version) const;
  Newest newest() const;
  // Those that came since the last call, recalled ones included, in order.
  std::vector<RealResult> TakeRealResults();
  // When the last report was taken.
  absl::Time last_report() const;

  // Waits until all of the version's reports are in; false where `timeout` came first.
  bool WaitUntilComplete(uint64_t version, absl::Duration timeout) const;

 private:
  struct Awaited {
    uint64_t gradient_steps = 0;
    uint64_t environment_steps = 0;
    std::set<std::string> missing;
  };

  // A result that is new.
  void Take(uint64_t version, const std::string& dynamics, const std::vector<double>& returns)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool CompleteLocked(uint64_t version) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  std::set<std::string> dynamics_;
  JsonLines* const lines_;
  LearnerMetrics* const metrics_;
  mutable absl::Mutex mutex_;
  std::map<uint64_t, Awaited> versions_ ABSL_GUARDED_BY(mutex_);
  std::set<std::pair<uint64_t, std::string>> recalled_ ABSL_GUARDED_BY(mutex_);
  Newest newest_ ABSL_GUARDED_BY(mutex_);
  std::vector<RealResult> real_results_ ABSL_GUARDED_BY(mutex_);
  absl::Time last_report_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

}  // namespace estuary::learner
