// When the learner may take a gradient step, and what follows one: the run's timetable as pure
// functions of two counts, gradient steps done and simulated rows received.
//
// An *epoch* is G gradient steps and E simulator steps. In lockstep (deterministic experiments) the
// two alternate: E rows, G steps, E rows. Otherwise both run at once and the learner stays behind
// the rows: step k wants k * E / G of them, and an epoch's before the first.
#pragma once

#include <cstdint>

#include "estuary/v1/experiment.pb.h"

namespace estuary::learner {

struct Pace {
  bool simulation = false;
  bool lockstep = false;
  uint64_t gradient_steps = 0;
  uint64_t gradient_steps_per_epoch = 1;
  uint64_t environment_steps = 0;
  uint64_t environment_steps_per_epoch = 1;
  uint64_t publish_every = 1;
  uint64_t checkpoint_every = 1;
  uint64_t evaluate_every_epochs = 1;
  // Gradient steps between two lines of metrics.
  uint64_t report_every = 500;

  // Of an experiment whose defaults are filled in.
  static Pace FromExperiment(const v1::Experiment& experiment);
};

// Gradient steps that may have been done in all, once so many simulated rows have come.
uint64_t AllowedGradientSteps(const Pace& pace, uint64_t sim_rows);

// Simulated rows to have taken at most while so many steps are done. In lockstep this is also the
// limit that is published to the actor.
uint64_t WantedSimRows(const Pace& pace, uint64_t steps_done);

// What is due once `steps_done` steps are done. Publishing includes every version to be evaluated,
// and the last.
bool PublishDue(const Pace& pace, uint64_t steps_done);
bool EvaluationDue(const Pace& pace, uint64_t steps_done);
bool CheckpointDue(const Pace& pace, uint64_t steps_done);
bool ReportDue(const Pace& pace, uint64_t steps_done);

// The next count of steps at which something is due.
uint64_t NextDue(const Pace& pace, uint64_t steps_done);

}  // namespace estuary::learner
