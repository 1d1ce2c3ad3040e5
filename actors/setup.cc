#include "actors/setup.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "actors/seed.h"
#include "common/process/log.h"
#include "common/process/process_context.h"
#include "common/process/shutdown.h"
#include "common/process/status.h"

namespace estuary::actor {

absl::StatusOr<Setup> Prepare(client::LearnerClient& learner, absl::Duration patience) {
  ESTUARY_ASSIGN_OR_RETURN(v1::GetExperimentResponse response, learner.GetExperiment(patience));
  v1::Experiment experiment = std::move(*response.mutable_experiment());
  ESTUARY_ASSIGN_OR_RETURN(worlds::TaskSpec task, worlds::FindTask(experiment.task()));
  transition::Schema schema = transition::Schema::Simulated(
      task.name, task.observation_dim, task.action_dim,
      static_cast<uint32_t>(std::lround(task.control_period * 1e6)), experiment.gap().edits_size());
  process::SetRun(response.run_id());
  process::SetTask(task.name);
  spdlog::info("experiment '{}', run {}: {}", experiment.name(), response.run_id(),
               schema.ToString());
  return Setup{.experiment = std::move(experiment),
               .run_id = response.run_id(),
               .task = std::move(task),
               .schema = std::move(schema)};
}

absl::StatusOr<std::vector<std::unique_ptr<worlds::World>>> MakeWorlds(const Setup& setup,
                                                                       worlds::Dynamics dynamics,
                                                                       int count, int index) {
  return worlds::MakeWorlds(
      {.task = setup.task.name,
       .dynamics = dynamics,
       .gap = setup.experiment.gap(),
       .gap_seed = MixSeed({setup.experiment.seed(), static_cast<uint64_t>(SeedUse::kGap),
                            static_cast<uint64_t>(index)})},
      count);
}

absl::StatusOr<std::shared_ptr<const policy::Policy>> LoadPolicy(const v1::PolicyVersion& version,
                                                                 const std::string& run_id,
                                                                 const transition::Schema& schema) {
  if (version.run_id() != run_id) {
    return absl::FailedPreconditionError(
        absl::StrCat("policy version ", version.version(), " is of run '", version.run_id(),
                     "', this actor works for run '", run_id,
                     "'; was another learner started at its address? Start the actor anew"));
  }
  ESTUARY_ASSIGN_OR_RETURN(std::shared_ptr<const policy::Policy> policy,
                           policy::Policy::FromProto(version));
  ESTUARY_RETURN_IF_ERROR(
      policy->CheckFits(schema.task(), schema.observation_dim(), schema.action_dim()));
  return policy;
}

absl::Status StoppedIsFine(const absl::Status& status) {
  if (absl::IsCancelled(status) && process::ShutdownRequested()) return absl::OkStatus();
  return status;
}

}  // namespace estuary::actor
