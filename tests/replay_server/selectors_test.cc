// Whether each selector draws as it says: by chi-squared, and by what is never drawn.
#include <cmath>
#include <map>
#include <numeric>
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "replay_server/selectors/selector.h"
#include "replay_server/selectors/sum_tree.h"
#include "tests/replay_server/chi_squared.h"
#include "tests/replay_server/harness.h"

namespace estuary::replay {
namespace {

std::unique_ptr<Selector> Make(v1::Selector kind, uint64_t capacity, double exponent = 0,
                               uint32_t max_times = 0) {
  v1::TableConfig config;
  config.set_selector(kind);
  config.set_priority_exponent(exponent);
  config.set_max_times_sampled(max_times);
  auto selector = MakeSelector(config, capacity);
  EXPECT_TRUE(selector.ok()) << selector.status();
  return *std::move(selector);
}

// How often each of the held rows was drawn in `draws` draws, in batches of different sizes.
std::vector<double> Count(Selector& selector, const HeldRows& held, int draws, uint64_t seed = 1) {
  std::mt19937_64 random(seed);
  std::vector<double> counts(held.count(), 0);
  DrawnRows drawn;
  for (uint32_t batch = 1; draws > 0; batch = batch % 300 + 1) {
    const auto rows = static_cast<uint32_t>(std::min<int>(draws, static_cast<int>(batch)));
    selector.Draw(held, rows, random, drawn);
    for (const uint64_t row : drawn.rows) {
      EXPECT_GE(row, held.first);
      EXPECT_LT(row, held.next);
      ++counts[row - held.first];
    }
    draws -= static_cast<int>(rows);
  }
  return counts;
}

TEST(UniformSelector, DrawsEveryRowAlike) {
  const auto selector = Make(v1::SELECTOR_UNIFORM, 1000);
  const HeldRows held = {.first = 12'345, .next = 12'345 + 700};
  EXPECT_TRUE(FitsExpectation(Count(*selector, held, 200'000), std::vector<double>(700, 1)));
  DrawnRows drawn;
  std::mt19937_64 random(1);
  selector->Draw(held, 3, random, drawn);
  EXPECT_THAT(drawn.probabilities, ::testing::ElementsAre(1.0 / 700));
  EXPECT_EQ(selector->DrawsLeft({.first = 5, .next = 5}), 0);
  EXPECT_EQ(selector->Weight(held), 700);
}

TEST(WeightedSelector, DrawsRowsInProportionToPriorityToTheExponentAndSaysSo) {
  for (const double exponent : {0.0, 0.6, 1.0, 2.0}) {
    const auto selector = Make(v1::SELECTOR_PRIORITIZED, 500, exponent);
    // The ring went round: what is held has other slots than rows.
    std::mt19937_64 random(7);
    std::vector<float> priorities;
    for (int i = 0; i < 1234; ++i) {
      priorities.push_back(std::exponential_distribution<float>(1)(random));
    }
    for (uint64_t first = 0; first < priorities.size();) {
      const auto rows = static_cast<uint32_t>(std::min<uint64_t>(37, priorities.size() - first));
      selector->Appended(first, rows, absl::MakeSpan(priorities).subspan(first, rows));
      first += rows;
    }
    const HeldRows held = {.first = priorities.size() - 500, .next = priorities.size()};
    std::vector<double> weights;
    for (uint64_t row = held.first; row < held.next; ++row) {
      weights.push_back(std::pow(static_cast<double>(priorities[row]), exponent));
    }
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    EXPECT_NEAR(selector->Weight(held), sum, 1e-9 * sum);
    EXPECT_TRUE(FitsExpectation(Count(*selector, held, 200'000), weights)) << exponent;
    DrawnRows drawn;
    selector->Draw(held, 200, random, drawn);
    for (size_t i = 0; i < drawn.rows.size(); ++i) {
      EXPECT_NEAR(drawn.probabilities[i], weights[drawn.rows[i] - held.first] / sum, 1e-12);
    }
  }
}

TEST(WeightedSelector, NewRowsGetTheLargestPriorityThatWasEverGiven) {
  const auto selector = Make(v1::SELECTOR_PRIORITIZED, 10, 1);
  selector->Appended(0, 2, {});
  EXPECT_EQ(selector->PriorityOf(1), 1);
  selector->Appended(2, 2, std::vector<float>{0.5F, 3});
  selector->Appended(4, 1, {});
  EXPECT_EQ(selector->PriorityOf(4), 3);
  selector->SetPriorities(std::vector<uint64_t>{4}, std::vector<float>{7});
  selector->SetPriorities(std::vector<uint64_t>{4}, std::vector<float>{2});
  selector->Appended(5, 1, {});
  EXPECT_EQ(selector->PriorityOf(5), 7);
  EXPECT_EQ(selector->max_priority(), 7);
  const std::vector<double> weights = {1, 1, 0.5, 3, 2, 7};
  EXPECT_TRUE(FitsExpectation(Count(*selector, {.first = 0, .next = 6}, 50'000), weights));
}

TEST(WeightedSelector, RowsOfPriorityZeroAreDrawnOnlyWhereAllHaveIt) {
  const auto selector = Make(v1::SELECTOR_PRIORITIZED, 100, 0.7);
  selector->Appended(0, 100, std::vector<float>(100, 0));
  const HeldRows held = {.first = 0, .next = 100};
  EXPECT_TRUE(FitsExpectation(Count(*selector, held, 50'000), std::vector<double>(100, 1)));
  selector->SetPriorities(std::vector<uint64_t>{17, 60}, std::vector<float>{1, 1});
  const std::vector<double> counts = Count(*selector, held, 10'000);
  EXPECT_EQ(counts[17] + counts[60], 10'000);
  EXPECT_GT(counts[17], 4'000);
}

TEST(WeightedSelector, UpToItsLimitEveryRowIsDrawnAndNoneBeyond) {
  for (const v1::Selector kind : {v1::SELECTOR_UNIFORM, v1::SELECTOR_PRIORITIZED}) {
    const auto selector = Make(kind, 64, kind == v1::SELECTOR_PRIORITIZED ? 1 : 0, 3);
    std::vector<float> priorities(50);
    std::iota(priorities.begin(), priorities.end(), 0.0F);
    selector->Appended(0, 50, priorities);
    const HeldRows held = {.first = 0, .next = 50};
    EXPECT_EQ(selector->DrawsLeft(held), 150);
    EXPECT_THAT(Count(*selector, held, 150), ::testing::Each(3));
    EXPECT_EQ(selector->DrawsLeft(held), 0);
    EXPECT_EQ(selector->UsedUp(held), 50);
    // Slots that go to new rows while their old ones had draws left take these along.
    selector->Appended(50, 64, {});
    EXPECT_EQ(selector->DrawsLeft({.first = 50, .next = 114}), 64 * 3);
    selector->Appended(114, 10, {});
    EXPECT_EQ(selector->DrawsLeft({.first = 60, .next = 124}), 64 * 3);
  }
}

TEST(FifoSelector, WithALimitItIsAQueueAndWithoutItIsTheOldestRow) {
  const auto queue = Make(v1::SELECTOR_FIFO, 10, 0, 2);
  std::mt19937_64 random(1);
  DrawnRows drawn;
  HeldRows held = {.first = 100, .next = 104};
  EXPECT_EQ(queue->DrawsLeft(held), 8);
  queue->Draw(held, 3, random, drawn);
  EXPECT_THAT(drawn.rows, ::testing::ElementsAre(100, 100, 101));
  EXPECT_THAT(drawn.probabilities, ::testing::ElementsAre(1.0));
  EXPECT_EQ(queue->UsedUp(held), 1);
  held.first = 101;
  queue->Draw(held, 2, random, drawn);
  EXPECT_THAT(drawn.rows, ::testing::ElementsAre(101, 102));
  // The ring overtakes it.
  held = {.first = 103, .next = 113};
  EXPECT_EQ(queue->DrawsLeft(held), 20);
  queue->Draw(held, 20, random, drawn);
  EXPECT_EQ(drawn.rows.front(), 103);
  EXPECT_EQ(drawn.rows.back(), 112);
  EXPECT_EQ(queue->DrawsLeft(held), 0);
  const auto oldest = Make(v1::SELECTOR_FIFO, 10);
  oldest->Draw(held, 3, random, drawn);
  EXPECT_THAT(drawn.rows, ::testing::ElementsAre(103, 103, 103));
}

TEST(SumTree, FindsTheSlotAtWhichTheSumPassesTheTarget) {
  for (const uint64_t slots : {1, 2, 8, 9, 64, 65, 1000}) {
    SumTree tree = SumTree::Create(slots).value();
    std::mt19937_64 random(slots);
    std::vector<double> weights(slots);
    for (int change = 0; change < 200; ++change) {
      const uint64_t first = random() % slots;
      const uint64_t rows = 1 + random() % (slots - first);
      for (uint64_t i = first; i < first + rows; ++i) {
        weights[i] = random() % 3 == 0 ? 0 : static_cast<double>(random() % 1000);
      }
      tree.SetRun(first, absl::MakeSpan(weights).subspan(first, rows));
      const uint64_t one = random() % slots;
      weights[one] = static_cast<double>(1 + random() % 1000);
      tree.Set(one, weights[one]);
      const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
      ASSERT_EQ(tree.total(), total);
      for (const double target : {0.0, std::floor(total / 3), total - 1}) {
        double before = 0;
        uint64_t expected = 0;
        while (before + weights[expected] <= target) before += weights[expected++];
        ASSERT_EQ(tree.Find(target), expected);
      }
      // Beyond the end lies the last that weighs something.
      ASSERT_GT(tree.weight(tree.Find(total * 2)), 0);
    }
  }
}

// Reverb's tree subtracts and adds differences; ours must not drift.
TEST(SumTree, DoesNotDriftOverMillionsOfChanges) {
  SumTree tree = SumTree::Create(1000).value();
  std::mt19937_64 random(3);
  for (int i = 0; i < 2'000'000; ++i) {
    tree.Set(random() % 1000, std::ldexp(1.0, static_cast<int>(random() % 100) - 50));
  }
  for (uint64_t slot = 0; slot < 1000; ++slot) tree.Set(slot, 1);
  EXPECT_EQ(tree.total(), 1000);
}

}  // namespace
}  // namespace estuary::replay
