// How fast simulation and learning run against each other, from the effective experiment. The
// learner and whoever configures table sim must count alike, so the arithmetic is here.
#pragma once

#include <algorithm>
#include <cmath>

#include "common/experiment/experiment.h"
#include "estuary/v1/experiment.pb.h"
#include "estuary/v1/replay.pb.h"

namespace estuary::experiment {

// The discriminators are trained: some choice of the algorithm reads them.
inline bool TrainsDiscriminators(const v1::Experiment& experiment) {
  using A = v1::Algorithm;
  const A& a = experiment.algorithm();
  const bool gap_regularizer =
      a.regularizer() == A::WEIGHTED_LOG_SUM_EXP || a.regularizer() == A::WEIGHTED_MEAN;
  return a.reward_shaping() == A::DYNAMICS_LOG_RATIO || a.critic_weight() == A::DYNAMICS_RATIO ||
         (gap_regularizer && a.gap_weight() != A::UNIFORM);
}

// Rows that one gradient step draws from table sim.
inline double SimRowsPerGradientStep(const v1::Experiment& experiment) {
  if (!UsesSimulation(experiment)) return 0;
  const v1::Optimizer& optimizer = experiment.optimizer();
  const bool both = experiment.algorithm().data() == v1::Algorithm::REAL_AND_SIM;
  const double sim_fraction = both ? 1 - optimizer.real_fraction() : 1;
  const double critics = std::round(optimizer.batch_size() * sim_fraction);
  return critics + (TrainsDiscriminators(experiment) ? optimizer.discriminator_batch_size() : 0);
}

// The limiter of table sim on each of `shards` shards. Not for a deterministic experiment, whose
// lockstep keeps the pace by itself.
inline v1::SamplesPerInsert SimLimiter(const v1::Experiment& experiment, int shards) {
  const v1::Budget& budget = experiment.budget();
  v1::SamplesPerInsert limiter;
  limiter.set_samples_per_insert(SimRowsPerGradientStep(experiment) *
                                 static_cast<double>(budget.gradient_steps_per_epoch()) /
                                 static_cast<double>(budget.environment_steps_per_epoch()));
  limiter.set_min_size(std::max<uint64_t>(1, budget.environment_steps_per_epoch() / shards));
  limiter.set_error_buffer(limiter.samples_per_insert() * experiment.replay().error_buffer());
  return limiter;
}

}  // namespace estuary::experiment
