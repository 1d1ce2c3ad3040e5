// One training on a local cluster, from the first process to the last: start, import, supervise,
// end.
//
//   auto training = Training::Start(prepared, say);
//   while (!(*training)->done()) { (*training)->Poll(); ... }
//
// Threads: Start, Poll, Stop and the destructor on one thread (see supervisor.h). Several trainings
// may run at once. Threads inside ask the learner for its state and import the dataset.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "cli/cluster/local_cluster.h"
#include "cli/cluster/scratch_folder.h"
#include "cli/cluster/supervisor.h"
#include "cli/data/importer.h"
#include "cli/progress/format.h"
#include "cli/training/prepare.h"
#include "estuary/v1/learner.pb.h"

namespace estuary::cli {

class Training {
 public:
  // `say` is told of deaths and restarts; called from Poll and Stop.
  static absl::StatusOr<std::unique_ptr<Training>> Start(
      PreparedTraining prepared, std::function<void(const std::string&)> say);
  // Stops.
  ~Training();

  // Looks after the processes. An error ends the training: the cluster has been stopped then.
  absl::Status Poll();
  // The final policy is there and every process has ended.
  bool done() const { return done_; }
  TrainingState state() const;

  // Ends every process. Idempotent. What was trained stays, for --resume.
  void Stop();

  const PreparedTraining& prepared() const { return prepared_; }
  const ClusterPlan& plan() const { return plan_; }
  absl::Duration elapsed() const;

 private:
  Training(PreparedTraining prepared, std::unique_ptr<ScratchFolder> scratch, ClusterPlan plan,
           Supervisor::Options supervisor);

  void StartImport();
  void WatchLearner();
  void Finish();
  void RemoveReplayCopy();

  PreparedTraining prepared_;
  std::unique_ptr<ScratchFolder> scratch_;
  ClusterPlan plan_;
  Supervisor supervisor_;
  const absl::Time started_;
  absl::Time ended_ = absl::InfiniteFuture();
  bool done_ = false;

  ImportProgress import_progress_;
  std::thread importer_;
  std::thread watcher_;
  std::atomic<bool> stopping_{false};
  mutable absl::Mutex mutex_;
  bool importing_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status import_status_ ABSL_GUARDED_BY(mutex_);
  v1::LearnerStatus learner_ ABSL_GUARDED_BY(mutex_);
  RateMeter gradient_rate_ ABSL_GUARDED_BY(mutex_);
  RateMeter environment_rate_ ABSL_GUARDED_BY(mutex_);
  bool learner_answered_ ABSL_GUARDED_BY(mutex_) = false;
};

// What the progress line says of a learner's state.
TrainingState StateOf(const v1::LearnerStatus& learner);

}  // namespace estuary::cli
