#include "learner/service/replay_plan.h"

#include <algorithm>

#include "common/experiment/experiment.h"

namespace estuary::learner {

ReplayPlan PlanReplays(uint64_t budget_bytes, uint64_t real_bytes, uint64_t sim_bytes) {
  ReplayPlan plan = {
      .budget_bytes = budget_bytes, .real_bytes = real_bytes, .sim_bytes = sim_bytes};
  if (budget_bytes == 0) return plan;
  plan.real_on_device = real_bytes <= budget_bytes;
  const uint64_t left = budget_bytes - (plan.real_on_device ? real_bytes : 0);
  plan.sim_on_device = sim_bytes <= left;
  return plan;
}

ReplayPlan PlanReplays(const v1::Experiment& experiment, int observation_dim, int action_dim,
                       uint64_t free_bytes) {
  // As DeviceReplay packs a row: s, a, s', r, terminal.
  const uint64_t row =
      (2 * static_cast<uint64_t>(observation_dim) + static_cast<uint64_t>(action_dim) + 2) *
      sizeof(float);
  const uint64_t real_rows =
      experiment::UsesRealData(experiment) ? experiment.dataset().transitions() : 0;
  const uint64_t sim_rows =
      experiment::UsesSimulation(experiment)
          ? std::min(experiment.replay().sim_capacity(), experiment.budget().environment_steps())
          : 0;
  const uint64_t budget = experiment.replay().has_device_budget_bytes()
                              ? std::max<uint64_t>(1, experiment.replay().device_budget_bytes())
                              : free_bytes / 2;
  return PlanReplays(budget, real_rows * row, sim_rows * row);
}

}  // namespace estuary::learner
