// What training leaves on disk while it goes on: checkpoints, and the best policy so far.
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/process/log.h"
#include "common/process/status.h"
#include "learner/service/checkpoint_files.h"
#include "learner/service/training.h"

namespace estuary::learner {
namespace {

// Checkpoints kept of versions that nobody has evaluated yet.
constexpr size_t kMostCandidates = 16;

}  // namespace

absl::StatusOr<Checkpoint> Training::MakeCheckpoint() {
  state_.seconds = Seconds();
  state_.evaluated = evaluated();
  if (data_->real_feed() != nullptr) state_.real = data_->real_feed()->positions();
  if (data_->sim_feed() != nullptr) state_.sim = data_->sim_feed()->positions();
  if (data_->real_samples() != nullptr) state_.real = data_->real_samples()->positions();
  if (data_->sim_samples() != nullptr) state_.sim = data_->sim_samples()->positions();
  Checkpoint checkpoint;
  checkpoint.step = state_.gradient_steps;
  ESTUARY_ASSIGN_OR_RETURN(checkpoint.files[kEngineFile], engine_->Save());
  checkpoint.files[kStateFile] = state_.ToJson();
  checkpoint.files[kPolicyFile] = published_->SerializeAsString();
  return checkpoint;
}

absl::Status Training::WriteCheckpoint() {
  ESTUARY_ASSIGN_OR_RETURN(Checkpoint checkpoint, MakeCheckpoint());
  for (const Publisher::Update& update : parts_.publisher->Pending()) {
    checkpoint.files[absl::StrCat(kPendingPrefix, update->policy().version(), ".pb")] =
        update->SerializeAsString();
  }
  const absl::Status written = parts_.checkpoints->Write(checkpoint);
  parts_.metrics->AddCheckpoint(written.ok());
  if (written.ok()) parts_.board->CheckpointWritten();
  if (!written.ok()) {
    return process::Annotate(written, absl::StrCat("the checkpoint of step ", checkpoint.step,
                                                   " could not be written; the last good one is '",
                                                   parts_.checkpoints->NewestPath(), "'"));
  }
  return absl::OkStatus();
}

void Training::KeepCheckpoint() {
  // A full disk does not stop the run: the older checkpoints are there, and the next may succeed.
  if (const absl::Status written = WriteCheckpoint(); !written.ok()) {
    spdlog::error("{}", std::string(written.message()));
  }
}

void Training::SettleBest() {
  // Before the results: a version that is retired in between stays a candidate until the next time.
  const std::vector<Publisher::Update> pending = parts_.publisher->Pending();
  const uint64_t before = parts_.best->best().version;
  for (const Evaluations::RealResult& result : parts_.evaluations->TakeRealResults()) {
    if (const absl::Status offered = parts_.best->Offer(result); !offered.ok()) {
      spdlog::error("the best policy could not be kept: {}", std::string(offered.message()));
    }
  }
  std::set<uint64_t> candidates;
  for (size_t i = pending.size() > kMostCandidates ? pending.size() - kMostCandidates : 0;
       i < pending.size(); ++i) {
    candidates.insert(pending[i]->policy().version());
  }
  parts_.best->KeepOnly(candidates);
  const BestPolicy::Record& best = parts_.best->best();
  if (best.version == 0) return;
  if (best.version != before) {
    spdlog::info("version {} is the best so far: return {:.1f} on the real dynamics", best.version,
                 best.real_return);
  }
  parts_.board->Update([&best](v1::LearnerStatus& status) {
    status.set_best_version(best.version);
    status.set_best_real_return(best.real_return);
  });
}

}  // namespace estuary::learner
