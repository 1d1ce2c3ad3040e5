// Figures of the last step for people and dashboards, taken only when asked for.
#pragma once

#include <map>
#include <string>

#include "learner/core/config.h"
#include "learner/core/eager/update.h"

namespace estuary::learner {

std::map<std::string, double> StepMetrics(const LearnerConfig& config, Update& update);

// As Engine::RowMetrics.
TensorTree StepRowMetrics(const LearnerConfig& config, const StepRecord& record);

// "loss/q1_td" and so on: the record's losses by the names of update_trace.md.
TensorTree LossTree(const StepRecord& record);

}  // namespace estuary::learner
