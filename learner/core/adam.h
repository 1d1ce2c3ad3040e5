// Adam (Kingma and Ba) on one flat tensor, step for step as torch.optim.Adam with its default
// betas and epsilon and no weight decay.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace estuary::learner {

class Adam {
 public:
  Adam() = default;
  explicit Adam(const at::Tensor& parameters);

  // One step down `gradient`; `step` counts from 1.
  void Step(const at::Tensor& parameters, const at::Tensor& gradient, double learning_rate,
            uint64_t step);

  // The two moments, to save and restore.
  at::Tensor& first() { return first_; }
  at::Tensor& second() { return second_; }

 private:
  at::Tensor first_;
  at::Tensor second_;
  at::Tensor scratch_;
};

}  // namespace estuary::learner
