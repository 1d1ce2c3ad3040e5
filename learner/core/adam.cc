#include "learner/core/adam.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

namespace estuary::learner {
namespace {

constexpr double kBeta1 = 0.9;
constexpr double kBeta2 = 0.999;
constexpr double kEpsilon = 1e-8;

}  // namespace

Adam::Adam(const at::Tensor& parameters)
    : first_(at::zeros_like(parameters)),
      second_(at::zeros_like(parameters)),
      scratch_(at::empty_like(parameters)) {}

void Adam::Step(const at::Tensor& parameters, const at::Tensor& gradient, double learning_rate,
                uint64_t step) {
  const at::NoGradGuard no_grad;
  const double t = static_cast<double>(step);
  const double correction1 = 1 - std::pow(kBeta1, t);
  const double correction2 = 1 - std::pow(kBeta2, t);
  first_.lerp_(gradient, 1 - kBeta1);
  second_.mul_(kBeta2).addcmul_(gradient, gradient, 1 - kBeta2);
  at::sqrt_out(scratch_, second_);
  scratch_.div_(std::sqrt(correction2)).add_(kEpsilon);
  at::Tensor(parameters).addcdiv_(first_, scratch_, -learning_rate / correction1);
}

}  // namespace estuary::learner
