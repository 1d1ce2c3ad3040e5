#include "learner/core/adam.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace estuary::learner {
namespace {

TEST(Adam, TakesTheStepsOfItsDefinition) {
  const std::vector<double> gradients = {0.3, -0.1, 2.0, 1e-9};
  const at::Tensor parameter = at::full({1}, 1.0, at::kDouble);
  Adam adam(parameter);
  double want = 1, first = 0, second = 0;
  for (size_t i = 0; i < gradients.size(); ++i) {
    const double g = gradients[i], t = static_cast<double>(i + 1);
    first = 0.9 * first + 0.1 * g;
    second = 0.999 * second + 0.001 * g * g;
    const double m = first / (1 - std::pow(0.9, t)), v = second / (1 - std::pow(0.999, t));
    want -= 0.01 * m / (std::sqrt(v) + 1e-8);
    adam.Step(parameter, at::full({1}, g, at::kDouble), 0.01, i + 1);
    EXPECT_NEAR(parameter.item<double>(), want, 1e-14) << "step " << t;
  }
}

TEST(Adam, LeavesAParameterWithoutGradientAlone) {
  const at::Tensor parameter = at::full({2}, 0.25f);
  Adam adam(parameter);
  for (uint64_t step = 1; step <= 3; ++step) {
    adam.Step(parameter, at::tensor({0.0f, 1.0f}), 0.1, step);
  }
  EXPECT_EQ(parameter[0].item<float>(), 0.25f);
  EXPECT_LT(parameter[1].item<float>(), 0.25f);
}

}  // namespace
}  // namespace estuary::learner
