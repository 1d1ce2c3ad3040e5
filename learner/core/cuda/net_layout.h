// Where each net's layers lie in the flat parameters of a seed: the eager engine's groups, paths
// and initial values (nets.h), without its leaves for autograd.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include "learner/core/config.h"
#include "learner/core/cuda/step_arguments.h"
#include "learner/core/parameters.h"

namespace estuary::learner::cuda {

struct NetLayouts {
  explicit NetLayouts(const LearnerConfig& config);

  // Once: the groups' tensors on the CPU in `options`' precision, as the eager engine starts them
  // from a generator in the same state. Their flat() is then what a seed starts with.
  void Initialize(const at::Generator& generator, at::TensorOptions options);

  bool has_discriminators, has_model;
  ParameterGroup main, target_group, discriminators, model_group;
  // V's has no layers where the algorithm has no V.
  NetLayout policy, critics, targets, sa, sas, value, model;
  // Places of single numbers in the main group, where its critics begin, and the groups' sizes.
  int multiplier, offset, log_alpha, critics_begin;
  int main_size = 0, targets_size = 0, discriminators_size = 0, model_size = 0;
};

}  // namespace estuary::learner::cuda
