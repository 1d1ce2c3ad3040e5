// The training loop: rows in, gradient steps, and what is due after them (pace.h): metrics, policy
// versions, checkpoints. It keeps to the pace, never waits for the network while it may go on, and
// stops at once on a loss that is not finite.
//
// For one thread; others see it through the board, the publisher and the metrics.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "learner/core/engine.h"
#include "learner/service/best_policy.h"
#include "learner/service/checkpoint_store.h"
#include "learner/service/evaluations.h"
#include "learner/service/json_lines.h"
#include "learner/service/learner_metrics.h"
#include "learner/service/pace.h"
#include "learner/service/publisher.h"
#include "learner/service/run_folder.h"
#include "learner/service/run_state.h"
#include "learner/service/status_board.h"
#include "learner/service/training_data.h"

namespace estuary::learner {

enum class Outcome {
  kFinished,
  // Asked to stop; a checkpoint is written.
  kStopped,
};

class Training {
 public:
  // What it works with; all outlive it.
  struct Parts {
    const RunFolder* folder;
    std::vector<std::string> shards;
    absl::Duration patience;
    CheckpointStore* checkpoints;
    BestPolicy* best;
    JsonLines* metrics_lines;
    Publisher* publisher;
    Evaluations* evaluations;
    StatusBoard* board;
    LearnerMetrics* metrics;
  };

  explicit Training(const Parts& parts);

  // Takes up where the checkpoint ended. Before Prepare.
  absl::Status Restore(const Checkpoint& checkpoint);

  // Waits for the data, makes the engine, publishes the first version.
  absl::Status Prepare();

  // Until all gradient steps are done or the process is asked to stop.
  absl::StatusOr<Outcome> Run();

  // An evaluator has ever subscribed, in this process or in one before it.
  bool evaluated() const { return state_.evaluated || parts_.publisher->evaluated(); }

  // Keeps the best policy by the evaluations that have come in.
  void SettleBest();

  // The newest version; after Run's kFinished the final one.
  const Publisher::Update& published() const { return published_; }

 private:
  absl::Status Begin();
  absl::Status TakeRows(absl::Duration timeout, uint64_t* taken);
  // D grows while training goes on (Dataset.extend).
  bool Extends() const;
  absl::Status TakeRealRows();
  // Where the shards sample: as TakeRows.
  absl::Status TakeSamples(uint64_t* taken);
  // Steps that the samples at hand are enough for; no bound where none are needed.
  uint64_t SuppliedSteps() const;
  bool MayStep() const;
  absl::Status WaitForRows();
  absl::Status Step();
  absl::Status DoDue();
  absl::Status WriteMetrics();
  absl::Status Publish();
  absl::Status LearnDynamics(const LearnerConfig& config);
  absl::Status LoadEngine();
  // A file of the checkpoint of `step`, as an error names it.
  std::string FileOf(uint64_t step, const char* name) const;
  absl::StatusOr<Checkpoint> MakeCheckpoint();
  absl::Status WriteCheckpoint();
  void KeepCheckpoint();
  void CountStarved(Want want, double seconds);
  void ShowProgress(bool at_once);
  // All steps are done: nothing moves any more.
  void ShowEnd();
  std::string Waiting() const;
  double Seconds() const;

  const Parts parts_;
  const v1::Experiment& experiment_;
  const Pace pace_;
  const double sim_rows_per_step_;

  RunState state_;
  // Of the checkpoint, until the engine is there to take them.
  std::string engine_state_;
  bool resumed_ = false;

  std::unique_ptr<TrainingData> data_;
  std::unique_ptr<Engine> engine_;
  Publisher::Update published_;
  std::map<std::string, double> newest_metrics_;
  uint64_t lost_shown_ = 0;
  bool real_full_said_ = false;

  // `seconds` of state_ counts from here.
  absl::Time started_;
  double seconds_before_ = 0;
  // Measured, for the size of a turn and for the rates that are shown.
  double seconds_per_step_ = 0;
  absl::Time shown_;
  uint64_t shown_steps_ = 0;
  uint64_t shown_rows_ = 0;
};

}  // namespace estuary::learner
