#include "learner/core/native/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace estuary::learner::native {
namespace {

TEST(Random, NormalsHaveTheMomentsAndTailsOfTheNormal) {
  Random random(1, 0);
  const int64_t count = 4'000'000;
  Floats x = Random::Room(count);
  random.Normals(x);
  double sums[5] = {};
  int beyond_two = 0;
  double lag = 0;
  for (int64_t i = 0; i < count; ++i) {
    const double value = x[i];
    ASSERT_TRUE(std::isfinite(value));
    double power = 1;
    for (double& sum : sums) {
      sum += power;
      power *= value;
    }
    beyond_two += std::abs(value) > 2 ? 1 : 0;
    // Its partner in the same pair is 16 places on.
    if (i + 16 < count) lag += value * x[i + 16];
  }
  const double n = static_cast<double>(count);
  EXPECT_NEAR(sums[1] / n, 0, 5 / std::sqrt(n));
  EXPECT_NEAR(sums[2] / n, 1, 5 * std::sqrt(2 / n));
  EXPECT_NEAR(sums[3] / n, 0, 5 * std::sqrt(15 / n));
  EXPECT_NEAR(sums[4] / n, 3, 5 * std::sqrt(96 / n));
  EXPECT_NEAR(beyond_two / n, 0.0455003, 5 * std::sqrt(0.0455 * 0.9545 / n));
  EXPECT_NEAR(lag / n, 0, 5 / std::sqrt(n));
}

TEST(Random, IntegersAreUniform) {
  Random random(3, 1);
  const uint64_t range = 37;
  std::vector<int64_t> drawn(370'000);
  random.Integers(range, static_cast<int64_t>(drawn.size()), drawn.data());
  std::vector<int> counts(range);
  for (const int64_t value : drawn) {
    ASSERT_GE(value, 0);
    ASSERT_LT(value, static_cast<int64_t>(range));
    ++counts[static_cast<size_t>(value)];
  }
  double chi = 0;
  for (const int count : counts) chi += std::pow(count - 10'000.0, 2) / 10'000;
  // The 1e-6 quantile at 36 degrees of freedom.
  EXPECT_LT(chi, 91);
}

TEST(Random, UniformsFillTheirInterval) {
  Random random(4, 0);
  std::vector<float> x(100'003);
  random.Uniforms(0.5f, static_cast<int64_t>(x.size()), x.data());
  double sum = 0, least = 1, greatest = -1;
  for (const float value : x) {
    sum += value;
    least = std::min<double>(least, value);
    greatest = std::max<double>(greatest, value);
  }
  EXPECT_NEAR(sum / static_cast<double>(x.size()), 0, 0.005);
  EXPECT_GE(least, -0.5);
  EXPECT_LT(greatest, 0.5);
  EXPECT_LT(least, -0.499);
  EXPECT_GT(greatest, 0.499);
}

TEST(Random, SeedAndStreamDecideTheNumbersAndTheStateContinuesThem) {
  Random a(1, 0), same(1, 0), other_seed(2, 0), other_stream(1, 1);
  int64_t x[64], y[64];
  const auto draw = [](Random& random, int64_t* out) { random.Integers(1u << 30, 64, out); };
  draw(a, x);
  draw(same, y);
  EXPECT_TRUE(std::equal(x, x + 64, y));
  for (Random* other : {&other_seed, &other_stream}) {
    draw(*other, y);
    EXPECT_FALSE(std::equal(x, x + 64, y));
  }
  Random resumed(9, 9);
  ASSERT_TRUE(resumed.SetState(a.State()));
  draw(a, x);
  draw(resumed, y);
  EXPECT_TRUE(std::equal(x, x + 64, y));
  EXPECT_FALSE(resumed.SetState("short"));
}

}  // namespace
}  // namespace estuary::learner::native
