#include "learner/service/pace.h"

#include <algorithm>

#include "common/experiment/experiment.h"

namespace estuary::learner {
namespace {

uint64_t NextMultiple(uint64_t value, uint64_t of) { return (value / of + 1) * of; }

bool EpochEnds(const Pace& pace, uint64_t steps) {
  return steps > 0 && steps % pace.gradient_steps_per_epoch == 0;
}

}  // namespace

Pace Pace::FromExperiment(const v1::Experiment& experiment) {
  const v1::Budget& budget = experiment.budget();
  Pace pace;
  pace.simulation = experiment::UsesSimulation(experiment);
  pace.lockstep = experiment.deterministic();
  pace.gradient_steps = budget.gradient_steps();
  pace.gradient_steps_per_epoch = budget.gradient_steps_per_epoch();
  pace.environment_steps = pace.simulation ? budget.environment_steps() : 0;
  pace.environment_steps_per_epoch = budget.environment_steps_per_epoch();
  pace.publish_every = pace.lockstep ? pace.gradient_steps_per_epoch : budget.publish_every();
  pace.checkpoint_every = budget.checkpoint_every();
  pace.evaluate_every_epochs = experiment.evaluation().every_epochs();
  return pace;
}

uint64_t AllowedGradientSteps(const Pace& pace, uint64_t sim_rows) {
  if (!pace.simulation || sim_rows >= pace.environment_steps) return pace.gradient_steps;
  const uint64_t epochs = sim_rows / pace.environment_steps_per_epoch;
  if (epochs == 0) return 0;
  // 64 bits of mantissa: exact wherever the product fits into 64 bits.
  const auto steps = static_cast<uint64_t>(
      static_cast<long double>(pace.lockstep ? epochs * pace.environment_steps_per_epoch
                                             : sim_rows) *
      static_cast<long double>(pace.gradient_steps_per_epoch) /
      static_cast<long double>(pace.environment_steps_per_epoch));
  return std::min(pace.gradient_steps, steps);
}

uint64_t WantedSimRows(const Pace& pace, uint64_t steps_done) {
  if (!pace.simulation) return 0;
  if (!pace.lockstep) return pace.environment_steps;
  const uint64_t epochs = steps_done / pace.gradient_steps_per_epoch + 1;
  if (epochs > pace.environment_steps / pace.environment_steps_per_epoch) {
    return pace.environment_steps;
  }
  return epochs * pace.environment_steps_per_epoch;
}

bool EvaluationDue(const Pace& pace, uint64_t steps_done) {
  if (steps_done == pace.gradient_steps) return true;
  return EpochEnds(pace, steps_done) &&
         steps_done / pace.gradient_steps_per_epoch % pace.evaluate_every_epochs == 0;
}

bool PublishDue(const Pace& pace, uint64_t steps_done) {
  return steps_done == pace.gradient_steps || EpochEnds(pace, steps_done) ||
         (steps_done > 0 && steps_done % pace.publish_every == 0);
}

bool CheckpointDue(const Pace& pace, uint64_t steps_done) {
  return steps_done == pace.gradient_steps ||
         (steps_done > 0 && steps_done % pace.checkpoint_every == 0);
}

bool ReportDue(const Pace& pace, uint64_t steps_done) {
  return steps_done == pace.gradient_steps ||
         (steps_done > 0 && steps_done % pace.report_every == 0);
}

uint64_t NextDue(const Pace& pace, uint64_t steps_done) {
  return std::min({pace.gradient_steps, NextMultiple(steps_done, pace.gradient_steps_per_epoch),
                   NextMultiple(steps_done, pace.publish_every),
                   NextMultiple(steps_done, pace.checkpoint_every),
                   NextMultiple(steps_done, pace.report_every)});
}

}  // namespace estuary::learner
