// The folder in which a run leaves what it makes: experiment.textproto (effective), run_id,
// metrics.jsonl, evaluations.jsonl, checkpoints/, final_policy.pb.
//
// A folder that holds a run is never written over: it is resumed or refused. A folder that holds
// other files, or the same experiment and nothing else of a run, is fine. While a learner works in
// it the folder is locked, and a second one is refused.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "estuary/v1/experiment.pb.h"

namespace estuary::learner {

class RunFolder {
 public:
  // A new run. ALREADY_EXISTS where the folder holds one.
  static absl::StatusOr<std::unique_ptr<RunFolder>> Create(const std::string& path,
                                                           const v1::Experiment& effective,
                                                           const std::string& run_id);
  // Whether there is a run to go on with.
  static bool Holds(const std::string& path);
  // Goes on with the run that is there, under its own id. NOT_FOUND where there is none.
  // `expected` (effective) and `run_id` may be null and empty; where they are not, they must be the
  // run's: INVALID_ARGUMENT names the first difference.
  static absl::StatusOr<std::unique_ptr<RunFolder>> Resume(const std::string& path,
                                                           const v1::Experiment* expected,
                                                           const std::string& run_id);
  ~RunFolder();

  const std::string& path() const { return path_; }
  const std::string& run_id() const { return run_id_; }
  const v1::Experiment& experiment() const { return experiment_; }

  std::string MetricsPath() const { return path_ + "/metrics.jsonl"; }
  std::string EvaluationsPath() const { return path_ + "/evaluations.jsonl"; }
  std::string CheckpointsPath() const { return path_ + "/checkpoints"; }
  std::string BestPolicyPath() const { return path_ + "/best_policy.pb"; }
  std::string BestRecordPath() const { return path_ + "/best_policy.json"; }
  std::string FinalPolicyPath() const { return path_ + "/final_policy.pb"; }

 private:
  RunFolder(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}

  static absl::StatusOr<std::unique_ptr<RunFolder>> Lock(const std::string& path);

  const std::string path_;
  // File descriptor that holds the lock.
  const int lock_;
  std::string run_id_;
  v1::Experiment experiment_;
};

}  // namespace estuary::learner
