// What the last step of one seed left, read back from the device, by the names of the eager
// engine's losses and metrics.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "learner/core/config.h"
#include "learner/core/cuda/net_layout.h"
#include "learner/core/cuda/step_arguments.h"
#include "learner/core/tensor_tree.h"

namespace estuary::learner::cuda {

struct StepRecord {
  // [kLosses].
  std::vector<double> losses;
  // [2, q_rows], and the batch's rows of each source, real first.
  std::vector<double> q;
  int q_rows = 0, real = 0, sim = 0;
  std::vector<double> target, log_prob;
  // V at the real rows. Here and below, empty where the algorithm has none.
  std::vector<double> v;
  std::vector<double> u, omega, log_ratio, ratio;
  // [2 m, 2].
  std::vector<double> sa_logits, sas_logits;
  std::vector<double> main_gradient, discriminator_gradient;
  double alpha = 0, learning_rate = 0;
};

// "loss/q1_td" and so on.
TensorTree LossTree(const LearnerConfig& config, const std::vector<double>& losses);

std::map<std::string, double> MetricsOf(const LearnerConfig& config, const StepRecord& record,
                                        const NetLayouts& nets);

// As Engine::RowMetrics.
TensorTree RowMetricsOf(const StepRecord& record);

}  // namespace estuary::learner::cuda
