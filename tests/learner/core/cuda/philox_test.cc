#include "learner/core/cuda/philox.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace estuary::learner::cuda {
namespace {

// The known answers of the generator's authors (Random123's kat_vectors).
TEST(Philox, GivesTheAuthorsKnownAnswers) {
  const RandomBits zeros = Philox(0, {{0, 0, 0, 0}});
  EXPECT_EQ(zeros.x[0], 0x6627e8d5u);
  EXPECT_EQ(zeros.x[1], 0xe169c58du);
  EXPECT_EQ(zeros.x[2], 0xbc57ac4cu);
  EXPECT_EQ(zeros.x[3], 0x9b00dbd8u);
  const RandomBits ones =
      Philox(0xffffffffffffffff, {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}});
  EXPECT_EQ(ones.x[0], 0x408f276du);
  EXPECT_EQ(ones.x[1], 0x41c83b0eu);
  EXPECT_EQ(ones.x[2], 0xa20bc7c6u);
  EXPECT_EQ(ones.x[3], 0x6d5451fdu);
}

TEST(Philox, DrawsEveryPlaceOfAReplayAsOften) {
  constexpr int kSize = 37, kDraws = 37'000;
  std::vector<int> counts(kSize);
  for (int i = 0; i < kDraws; ++i) {
    const int64_t place = Random(3, i / 100).Index(Stream::kSimRows, i % 100, kSize);
    ASSERT_GE(place, 0);
    ASSERT_LT(place, kSize);
    ++counts[static_cast<size_t>(place)];
  }
  double chi_squared = 0;
  const double expected = static_cast<double>(kDraws) / kSize;
  for (const int count : counts) chi_squared += (count - expected) * (count - expected) / expected;
  // 36 degrees of freedom: beyond 80 once in 30,000 seeds.
  EXPECT_LT(chi_squared, 80);
  EXPECT_GT(chi_squared, 10);
}

TEST(Philox, DrawsStandardNormalNumbers) {
  constexpr int kDraws = 200'000;
  const Random random(5, 11);
  double sum = 0, squares = 0, fourth = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = random.Normal<float>(Stream::kPolicyNoise, i);
    ASSERT_TRUE(std::isfinite(x));
    sum += x;
    squares += x * x;
    fourth += x * x * x * x;
  }
  EXPECT_NEAR(sum / kDraws, 0, 0.01);
  EXPECT_NEAR(squares / kDraws, 1, 0.02);
  EXPECT_NEAR(fourth / kDraws, 3, 0.15);
}

TEST(Philox, SharesNoNumbersBetweenStepsStreamsSeedsAndIndices) {
  std::set<float> numbers;
  for (uint64_t seed : {1, 2}) {
    for (uint64_t step : {0, 1, 2}) {
      for (const Stream stream : {Stream::kPolicyNoise, Stream::kNextPolicyNoise}) {
        for (int i = 0; i < 20; ++i) numbers.insert(Random(seed, step).Normal<float>(stream, i));
      }
    }
  }
  EXPECT_EQ(numbers.size(), 2u * 3 * 2 * 20);
}

}  // namespace
}  // namespace estuary::learner::cuda
