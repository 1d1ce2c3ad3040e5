// Elementary functions and loops of every set of kernels against double precision.
#include "learner/core/native/kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>
#include <vector>

#include "learner/core/native/aligned.h"

namespace estuary::learner::native {
namespace {

double WorstRelative(void (*function)(const float*, float*, long), double (*exact)(double),
                     double from, double to) {
  const int64_t count = 100'000 / kLanes * kLanes;
  Floats x(count), y(count);
  for (int64_t i = 0; i < count; ++i) {
    x[i] = static_cast<float>(from + (to - from) * static_cast<double>(i) / count);
  }
  function(x.data(), y.data(), count);
  double worst = 0;
  for (int64_t i = 0; i < count; ++i) {
    const double want = exact(x[i]);
    if (want != 0) worst = std::max(worst, std::abs(y[i] - want) / std::abs(want));
  }
  return worst;
}

TEST(Kernels, ExpIsAccurate) {
  EXPECT_LT(WorstRelative(
                BestKernels().exp, [](double x) { return std::exp(x); }, -80, 80),
            3e-7);
}

TEST(Kernels, LogIsAccurate) {
  const auto log = [](double x) { return std::log(x); };
  EXPECT_LT(WorstRelative(BestKernels().log, log, 1e-6, 0.99), 3e-7);
  EXPECT_LT(WorstRelative(BestKernels().log, log, 1.01, 1e6), 3e-7);
}

TEST(Kernels, SoftplusIsAccurate) {
  EXPECT_LT(
      WorstRelative(
          BestKernels().softplus,
          [](double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }, -60, 60),
      5e-7);
}

TEST(Kernels, TanhIsAccurate) {
  const int64_t count = 100'000 / kLanes * kLanes;
  Floats x(count), y(count);
  for (int64_t i = 0; i < count; ++i) {
    x[i] = y[i] = static_cast<float>(-12 + 24.0 * static_cast<double>(i) / count);
  }
  BestKernels().bound(y.data(), count);
  for (int64_t i = 0; i < count; ++i) {
    const double want = 2 * std::tanh(static_cast<double>(x[i]));
    ASSERT_NEAR(y[i], want, 3e-7 * std::abs(want)) << x[i];
  }
}

TEST(Kernels, KeepNaN) {
  Floats x(kLanes), y(kLanes);
  for (int64_t i = 0; i < kLanes; ++i) x[i] = std::nanf("");
  for (auto* function : {BestKernels().exp, BestKernels().softplus}) {
    function(x.data(), y.data(), kLanes);
    for (int64_t i = 0; i < kLanes; ++i) EXPECT_TRUE(std::isnan(y[i]));
  }
  BestKernels().bound(x.data(), kLanes);
  EXPECT_TRUE(std::isnan(x[0]));
  BestKernels().relu(x.data(), kLanes);
  EXPECT_TRUE(std::isnan(x[0]));
}

TEST(Kernels, NeverPassTheEndsOfTheFloats) {
  Floats x(kLanes), y(kLanes);
  x[0] = 1000;
  x[1] = -1000;
  BestKernels().exp(x.data(), y.data(), kLanes);
  EXPECT_TRUE(std::isfinite(y[0]));
  EXPECT_GT(y[0], 1e38f);
  EXPECT_LT(y[1], 1e-37f);
}

TEST(Kernels, TransposeAnySize) {
  for (const auto& [rows, columns] : {std::pair{3, 5}, {16, 16}, {33, 70}, {256, 17}}) {
    Floats in(rows * Padded(columns)), out(columns * Padded(rows));
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < columns; ++c)
        in[r * Padded(columns) + c] = static_cast<float>(r * 1000 + c);
    }
    BestKernels().transpose(in.data(), Padded(columns), rows, columns, out.data(), Padded(rows));
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < columns; ++c) {
        ASSERT_EQ(out[c * Padded(rows) + r], in[r * Padded(columns) + c]) << rows << columns;
      }
    }
  }
}

TEST(Kernels, AdamIsPyTorchs) {
  Floats value(kLanes), gradient(kLanes), first(kLanes), second(kLanes), follower(kLanes);
  double w = 0.5, m = 0, v = 0, f = 0.25;
  value[3] = 0.5f;
  follower[3] = 0.25f;
  const double gradients[] = {0.3, -0.01, 2, 1e-7};
  for (int t = 1; t <= 4; ++t) {
    const double g = static_cast<float>(gradients[t - 1]);
    gradient[3] = static_cast<float>(g);
    const double c1 = 1 - std::pow(0.9, t), c2 = 1 - std::pow(0.999, t);
    BestKernels().adam(value.data(), gradient.data(), first.data(), second.data(), kLanes,
                       {static_cast<float>(1e-3 / c1), static_cast<float>(1 / std::sqrt(c2))},
                       follower.data(), 0.1f);
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    w -= 1e-3 / c1 * m / (std::sqrt(v) / std::sqrt(c2) + 1e-8);
    f += 0.1 * (w - f);
    EXPECT_NEAR(value[3], w, 2e-7);
    EXPECT_NEAR(follower[3], f, 2e-7);
  }
  EXPECT_EQ(value[0], 0);
}

}  // namespace
}  // namespace estuary::learner::native
