// Sampling from tables: the selectors behind the table's lock, with its ring and limiter.
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "replay_server/table.h"
#include "tests/replay_server/chi_squared.h"
#include "tests/replay_server/harness.h"

namespace estuary::replay {
namespace {

using ::testing::HasSubstr;

class Counter final : public Listener {
 public:
  void Wake() override { ++wakes; }
  int wakes = 0;
};

// A table and one writer whose rows' values are their sequence numbers.
class Fixture {
 public:
  explicit Fixture(const v1::TableConfig& config)
      : table(Table::Create(config).value()), writer(table->OpenWriter("w").value()) {}

  // Rows taken.
  uint32_t Append(uint32_t rows, std::vector<float> priorities = {}) {
    const auto appended =
        table->Append(writer, next, Rows(next, rows), 0, false, waiting, priorities);
    EXPECT_TRUE(appended.ok()) << appended.status();
    if (!appended.ok()) return 0;
    next += appended->taken;
    return appended->taken;
  }

  // Values of the rows drawn.
  std::vector<uint32_t> Sample(uint32_t batch, uint32_t max_rows) {
    std::vector<uint32_t> values;
    const auto write = [&](const ColumnStore& store, const Table::Draw& what) {
      v1::TransitionBlock block;
      block.set_rows(static_cast<uint32_t>(what.slots.size()));
      for (int i = 0; i < store.columns(); ++i) {
        std::string& column = *block.add_columns();
        column.resize(what.slots.size() * store.column_bytes(i));
        store.Gather(i, what.slots, column.data());
      }
      values = Values(block);
    };
    const uint32_t rows = table->Sample(batch, max_rows, draw, write, waiting);
    EXPECT_EQ(rows, values.size());
    return values;
  }

  const std::shared_ptr<Counter> waiting = std::make_shared<Counter>();
  const std::unique_ptr<Table> table;
  const WriterSession writer;
  Table::Draw draw{5};
  uint32_t next = 0;
};

TEST(TableSample, IsUniformOverAWrappedRing) {
  Fixture f(MemoryTable("rows", 50));
  f.Append(77);
  std::vector<double> counts(50);
  for (int i = 0; i < 1000; ++i) {
    const std::vector<uint32_t> values = f.Sample(50, 100);
    ASSERT_EQ(values.size(), 100);
    for (int k = 0; k < 100; ++k) {
      ASSERT_EQ(f.draw.cursors[k], values[k]);
      ++counts.at(values[k] - 27);
    }
  }
  EXPECT_EQ(f.draw.table_rows, 50);
  EXPECT_EQ(f.draw.next_cursor, 77);
  EXPECT_TRUE(f.draw.ages.empty());
  EXPECT_TRUE(FitsExpectation(counts, std::vector<double>(50, 1)));
}

TEST(TableSample, FollowsPrioritiesGivenAtAppendAndUpdatedByPosition) {
  v1::TableConfig config = MemoryTable("rows", 8);
  config.set_selector(v1::SELECTOR_PRIORITIZED);
  config.set_priority_exponent(0.5);
  Fixture f(config);
  f.Append(5);
  f.Append(6, {1, 4, 9, 16, 25, 0});
  // Held are rows 3 to 10: two of the default priority, six given.
  std::vector<double> weights = {1, 1, 1, 2, 3, 4, 5, 0};
  std::vector<double> counts(8);
  const auto count = [&] {
    std::fill(counts.begin(), counts.end(), 0);
    for (int i = 0; i < 200; ++i) {
      for (const uint32_t value : f.Sample(100, 100)) ++counts.at(value - 3);
    }
    return FitsExpectation(counts, weights);
  };
  EXPECT_TRUE(count());
  EXPECT_NEAR(f.draw.weight, 17, 1e-6);
  const std::vector<uint64_t> cursors = {2, 3, 10, 11, 4'000'000'000};
  const std::vector<float> priorities = {100, 100, 36, 100, 100};
  const auto updated = f.table->UpdatePriorities(cursors, priorities);
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_EQ(updated->updated, 2);
  EXPECT_EQ(updated->gone, 3);
  weights = {10, 1, 1, 2, 3, 4, 5, 6};
  EXPECT_TRUE(count());
  EXPECT_NEAR(f.table->Status().weight(), 32, 1e-5);
  for (const float bad : {-1.0F, INFINITY, NAN}) {
    EXPECT_TRUE(absl::IsInvalidArgument(
        f.table->UpdatePriorities(std::vector<uint64_t>{5}, std::vector<float>{bad}).status()));
    EXPECT_TRUE(absl::IsInvalidArgument(f.table->CheckPriorities(std::vector<float>{bad}, 1)));
  }
  EXPECT_FALSE(f.table->CheckPriorities(std::vector<float>{1, 2}, 3).ok());
  Fixture uniform(MemoryTable("rows", 8));
  EXPECT_THAT(std::string(uniform.table->UpdatePriorities({}, {}).status().message()),
              HasSubstr("does not draw by priorities"));
  EXPECT_FALSE(uniform.table->CheckPriorities(std::vector<float>{1}, 1).ok());
}

TEST(TableSample, AQueueGivesEachRowOnceInOrderAndLetsItsWritersWait) {
  v1::TableConfig config = MemoryTable("rows", 10);
  config.set_remover(v1::REMOVER_NONE);
  config.set_selector(v1::SELECTOR_FIFO);
  config.set_max_times_sampled(1);
  Fixture f(config);
  EXPECT_EQ(f.Append(14), 10);
  EXPECT_EQ(f.Append(4), 0);
  EXPECT_EQ(f.waiting->wakes, 0);
  EXPECT_EQ(f.Sample(4, 4), Range(0, 4));
  EXPECT_GT(f.waiting->wakes, 0);
  EXPECT_EQ(f.table->Status().rows(), 6);
  EXPECT_EQ(f.Append(4), 4);
  // Not only whole batches: the rest would never come.
  EXPECT_EQ(f.Sample(8, 16), Range(4, 10));
  const int before = f.waiting->wakes;
  EXPECT_TRUE(f.Sample(8, 16).empty());
  EXPECT_EQ(f.table->Status().rows(), 0);
  EXPECT_EQ(f.Append(1), 1);
  EXPECT_GT(f.waiting->wakes, before);
  EXPECT_EQ(f.Sample(8, 16), Range(14, 1));
}

TEST(TableSample, RowsThatAreUsedUpAreDrawnNoMoreAndGoFromTheFront) {
  for (const v1::Selector kind : {v1::SELECTOR_UNIFORM, v1::SELECTOR_PRIORITIZED}) {
    v1::TableConfig config = MemoryTable("rows", 100);
    config.set_selector(kind);
    config.set_max_times_sampled(2);
    Fixture f(config);
    f.Append(60);
    std::vector<int> counts(160);
    uint32_t drawn = 0;
    const auto sample = [&](uint32_t rows) {
      for (const uint32_t value : f.Sample(1, rows)) {
        ++counts.at(value);
        ++drawn;
      }
    };
    while (drawn < 90) sample(7);
    f.Append(30);
    while (drawn < 180) sample(7);
    EXPECT_EQ(drawn, 180);
    for (int i = 0; i < 90; ++i) EXPECT_EQ(counts[i], 2) << i;
    sample(7);
    EXPECT_EQ(drawn, 180);
    EXPECT_EQ(f.table->Status().rows(), 0);
  }
}

// What a configuration that is accepted can never do: stop with both sides waiting.
TEST(TableSample, AnAcceptedLimitOnDrawsNeverStopsBothSides) {
  struct Case {
    v1::Selector selector;
    v1::Remover remover;
    uint32_t times;
    double ratio;
    double buffer;
    uint64_t min_size;
    uint64_t capacity;
  };
  const Case cases[] = {
      {v1::SELECTOR_FIFO, v1::REMOVER_NONE, 1, 1, 1, 10, 10},
      {v1::SELECTOR_FIFO, v1::REMOVER_NONE, 3, 3, 7, 1, 5},
      {v1::SELECTOR_FIFO, v1::REMOVER_FIFO, 2, 2, 8, 10, 14},
      {v1::SELECTOR_FIFO, v1::REMOVER_FIFO, 4, 2.5, 6, 3, 9},
      {v1::SELECTOR_UNIFORM, v1::REMOVER_FIFO, 3, 2, 5, 4, 20},
      {v1::SELECTOR_PRIORITIZED, v1::REMOVER_FIFO, 5, 2, 5, 4, 20},
  };
  for (const Case& c : cases) {
    v1::TableConfig config = MemoryTable("rows", c.capacity);
    config.set_selector(c.selector);
    config.set_remover(c.remover);
    config.set_max_times_sampled(c.times);
    config.mutable_limiter()->set_samples_per_insert(c.ratio);
    config.mutable_limiter()->set_error_buffer(c.buffer);
    config.mutable_limiter()->set_min_size(c.min_size);
    Fixture f(config);
    std::mt19937_64 random(11);
    int idle = 0;
    for (int i = 0; i < 20'000; ++i) {
      const auto rows = static_cast<uint32_t>(1 + random() % 6);
      const bool moved = random() % 2 == 0 ? f.Append(rows) > 0 : !f.Sample(4, rows).empty();
      idle = moved ? 0 : idle + 1;
      ASSERT_LT(idle, 100) << config.ShortDebugString() << f.table->Waiting(absl::ZeroDuration());
    }
  }
}

TEST(TableSample, AgesDoNotCountTheGapThatARestartLeaves) {
  Fixture f(MemoryTable("rows", 10));
  f.Append(6);
  f.table->JumpTo(uint64_t{1} << 40);
  f.Append(2);
  std::vector<bool> seen(8);
  for (int i = 0; i < 30; ++i) {
    const std::vector<uint32_t> values = f.Sample(4, 4);
    ASSERT_EQ(f.draw.ages.size(), 4);
    for (int k = 0; k < 4; ++k) {
      EXPECT_EQ(f.draw.ages[k], 8 - values[k]);
      EXPECT_EQ(f.draw.cursors[k], values[k] < 6 ? values[k] : (uint64_t{1} << 40) + values[k] - 6);
      seen[values[k]] = true;
    }
  }
  EXPECT_THAT(seen, ::testing::Each(true));
  // And once the rows before it are gone, positions say it all.
  f.Append(9);
  EXPECT_EQ(f.Sample(4, 4).size(), 4);
  EXPECT_TRUE(f.draw.ages.empty());
}

TEST(TableSample, AnEmptyTableHasNone) {
  Fixture f(MemoryTable("rows", 50));
  EXPECT_TRUE(f.Sample(1, 1).empty());
  f.Append(1);
  EXPECT_EQ(f.waiting->wakes, 1);
  EXPECT_EQ(f.Sample(3, 3).size(), 3);
}

TEST(TableSample, GivesAsManyBatchesAsTheLimiterAllowsAndWakesTheSamplerForTheRest) {
  v1::TableConfig config = MemoryTable("rows", 1000);
  config.mutable_limiter()->set_samples_per_insert(1);
  config.mutable_limiter()->set_min_size(10);
  config.mutable_limiter()->set_error_buffer(40);
  Fixture f(config);
  EXPECT_TRUE(f.table->CheckBatch(16).ok());
  f.Append(9);
  EXPECT_TRUE(f.Sample(16, 128).empty());
  f.Append(1);
  EXPECT_EQ(f.waiting->wakes, 1);
  EXPECT_EQ(f.Sample(16, 128).size(), 32);
  EXPECT_TRUE(f.Sample(16, 128).empty());
  f.Append(8);
  EXPECT_EQ(f.waiting->wakes, 2);
  EXPECT_EQ(f.Sample(16, 128).size(), 16);
  EXPECT_EQ(f.table->Status().sampled(), 48);
}

}  // namespace
}  // namespace estuary::replay
