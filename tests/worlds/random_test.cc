#include "worlds/random.h"

#include <gtest/gtest.h>

#include <cmath>

namespace estuary::worlds {
namespace {

TEST(Random, RepeatsForASeedAndStream) {
  Random a(1, 2), b(1, 2), other_stream(1, 3), other_seed(2, 2);
  for (int i = 0; i < 100; ++i) {
    const uint64_t bits = a.Bits();
    EXPECT_EQ(bits, b.Bits());
    EXPECT_NE(bits, other_stream.Bits());
    EXPECT_NE(bits, other_seed.Bits());
  }
}

TEST(Random, HasTheMomentsItClaims) {
  Random random(7);
  const int n = 200000;
  double uniform = 0, normal = 0, square = 0, fourth = 0;
  for (int i = 0; i < n; ++i) {
    const double u = random.Uniform();
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    uniform += u / n;
    const double z = random.Normal();
    normal += z / n;
    square += z * z / n;
    fourth += z * z * z * z / n;
  }
  EXPECT_NEAR(uniform, .5, .005);
  EXPECT_NEAR(normal, 0, .01);
  EXPECT_NEAR(square, 1, .02);
  EXPECT_NEAR(fourth, 3, .15);
}

// So that a seed means the same on every machine and in every version.
TEST(Random, KeepsItsSequence) { EXPECT_EQ(Random(1).Bits(), 4901003900877160742u); }

}  // namespace
}  // namespace estuary::worlds
