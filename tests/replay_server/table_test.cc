#include "replay_server/table.h"

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "replay_server/table_config.h"
#include "tests/replay_server/harness.h"

namespace estuary::replay {
namespace {

using ::testing::HasSubstr;

class Counter final : public Listener {
 public:
  void Wake() override { ++wakes; }
  int wakes = 0;
};

std::unique_ptr<Table> Make(const v1::TableConfig& config) {
  auto table = Table::Create(config);
  EXPECT_TRUE(table.ok()) << table.status();
  return *std::move(table);
}

// Appends rows whose values are their sequence numbers plus `offset`.
absl::StatusOr<Table::Reservation> Append(Table& table, const WriterSession& session,
                                          uint32_t sequence, uint32_t rows, uint32_t offset = 0,
                                          const ListenerPtr& listener = nullptr) {
  return table.Append(session, sequence, Rows(sequence + offset, rows), 0, /*bulk=*/false,
                      listener);
}

std::vector<uint32_t> ReadAll(const Table& table, uint64_t cursor, uint64_t* lost = nullptr) {
  std::vector<uint32_t> values;
  if (lost != nullptr) *lost = 0;
  while (true) {
    v1::TransitionBlock block;
    const auto read = table.Read(
        cursor, 7,
        [&](const ColumnStore& store, uint64_t slot, const Table::LogRead& what) {
          store.Read(slot, what.rows, block);
        },
        nullptr);
    EXPECT_TRUE(read.ok()) << read.status();
    if (!read.ok() || read->rows == 0) return values;
    if (lost != nullptr) *lost += read->lost;
    for (const uint32_t value : Values(block)) values.push_back(value);
    cursor = read->cursor + read->rows;
  }
}

TEST(Table, TheRingKeepsTheNewestWhateverTheBlocksAre) {
  for (const uint64_t capacity : {1, 2, 13, 64}) {
    for (const uint32_t block : {1, 3, 13, 40, 100}) {
      const auto table = Make(MemoryTable("rows", capacity));
      const WriterSession writer = table->OpenWriter("w").value();
      uint32_t next = 0;
      for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(Append(*table, writer, next, block).ok());
        next += block;
        const auto held = static_cast<uint32_t>(std::min<uint64_t>(next, capacity));
        uint64_t lost = 0;
        ASSERT_EQ(ReadAll(*table, 0, &lost), Range(next - held, held))
            << "capacity " << capacity << ", blocks of " << block;
        ASSERT_EQ(lost, next - held);
      }
    }
  }
}

TEST(Table, RowsThatAreSentAgainAreDropped) {
  const auto table = Make(MemoryTable("rows", 100));
  const WriterSession a = table->OpenWriter("a").value();
  const WriterSession b = table->OpenWriter("b").value();
  ASSERT_TRUE(Append(*table, a, 0, 10).ok());
  ASSERT_TRUE(Append(*table, b, 0, 5, 50).ok());
  EXPECT_EQ(Append(*table, a, 0, 10)->duplicates, 10);
  const auto half = Append(*table, a, 5, 10);
  EXPECT_EQ(half->duplicates, 5);
  EXPECT_EQ(half->taken, 5);
  std::vector<uint32_t> expected = Range(0, 10);
  for (const uint32_t value : Range(50, 5)) expected.push_back(value);
  for (const uint32_t value : Range(10, 5)) expected.push_back(value);
  EXPECT_EQ(ReadAll(*table, 0), expected);
  EXPECT_EQ(table->Status().duplicates_dropped(), 15);
  EXPECT_EQ(table->StateOf(a, nullptr).stored, 15);
}

TEST(Table, AGapInAWritersNumbersIsRefused) {
  const auto table = Make(MemoryTable("rows", 100));
  const WriterSession writer = table->OpenWriter("w").value();
  ASSERT_TRUE(Append(*table, writer, 0, 10).ok());
  const absl::Status status = Append(*table, writer, 12, 1).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("from sequence 12, but the next one is 10"));
  EXPECT_EQ(table->Status().rows(), 10);
}

TEST(Table, ANewSessionEndsTheOld) {
  const auto table = Make(MemoryTable("rows", 100));
  const WriterSession first = table->OpenWriter("w").value();
  const WriterSession second = table->OpenWriter("w").value();
  EXPECT_TRUE(absl::IsAborted(Append(*table, first, 0, 1).status()));
  EXPECT_TRUE(Append(*table, second, 0, 1).ok());
}

TEST(Table, WriterNamesAreBounded) {
  const auto table = Make(MemoryTable("rows", 100));
  EXPECT_TRUE(absl::IsInvalidArgument(table->OpenWriter("").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(table->OpenWriter(std::string(1000, 'x')).status()));
}

TEST(Table, TakesTheRowsThatTheLimiterAllowsAndWakesTheWriterForTheRest) {
  v1::TableConfig config = MemoryTable("rows", 100);
  config.mutable_limiter()->set_samples_per_insert(1);
  config.mutable_limiter()->set_min_size(10);
  config.mutable_limiter()->set_error_buffer(4);
  const auto table = Make(config);
  const WriterSession writer = table->OpenWriter("w").value();
  const auto waiting = std::make_shared<Counter>();
  EXPECT_EQ(Append(*table, writer, 0, 20, 0, waiting)->taken, 14);
  EXPECT_EQ(Append(*table, writer, 14, 6, 0, waiting)->taken, 0);
  EXPECT_EQ(waiting->wakes, 0);
  table->CountSamples(2.5);
  EXPECT_GT(waiting->wakes, 0);
  EXPECT_EQ(Append(*table, writer, 14, 6, 0, waiting)->taken, 2);
  EXPECT_EQ(ReadAll(*table, 0), Range(0, 16));
  // An import is none of the limiter's business.
  const WriterSession importer = table->OpenWriter("dataset").value();
  EXPECT_EQ(table->Append(importer, 0, Rows(0, 30), 0, /*bulk=*/true, nullptr)->taken, 30);
  EXPECT_EQ(Append(*table, writer, 16, 4, 0, waiting)->taken, 0);
  EXPECT_EQ(table->Status().inserted_in_bulk(), 30);
}

TEST(Table, WhatIsReservedIsNotSeenUntilItIsPublished) {
  const auto table = Make(DiskTable("rows", 100));
  const WriterSession writer = table->OpenWriter("w").value();
  const auto reader = std::make_shared<Counter>();
  EXPECT_EQ(table->Reserve(writer, 0, 60, false, nullptr)->taken, 60);
  EXPECT_EQ(table->Reserve(writer, 60, 60, false, nullptr)->taken, 40);
  EXPECT_TRUE(absl::IsResourceExhausted(table->Reserve(writer, 100, 1, false, nullptr).status()));
  EXPECT_EQ(table
                ->Read(
                    0, 10, [](const ColumnStore&, uint64_t, const Table::LogRead&) {}, reader)
                ->rows,
            0);
  EXPECT_EQ(table->StateOf(writer, nullptr).stored, 0);
  EXPECT_FALSE(table->StateOf(writer, nullptr).settled);
  table->Publish(writer, Rows(0, 60), 0, 60, false);
  EXPECT_EQ(reader->wakes, 1);
  EXPECT_EQ(ReadAll(*table, 0), Range(0, 60));
  table->Rollback();
  EXPECT_TRUE(table->StateOf(writer, nullptr).settled);
  EXPECT_EQ(table->Reserve(writer, 60, 60, false, nullptr)->taken, 40);
}

TEST(Table, ACursorBeyondTheEndIsRefused) {
  const auto table = Make(MemoryTable("rows", 100));
  const auto read = table->Read(
      1, 10, [](const ColumnStore&, uint64_t, const Table::LogRead&) {}, nullptr);
  EXPECT_TRUE(absl::IsOutOfRange(read.status()));
}

TEST(Table, SamplesUniformlyFromAWrappedRing) {
  const auto table = Make(MemoryTable("rows", 50));
  const WriterSession writer = table->OpenWriter("w").value();
  ASSERT_TRUE(Append(*table, writer, 0, 77).ok());
  std::mt19937_64 random(5);
  std::vector<int> counts(50);
  v1::SampleResponse batch;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(table->Sample(50, 2, random, batch, nullptr), 2);
    const std::vector<uint32_t> values = Values(batch.block());
    for (int k = 0; k < 100; ++k) {
      ASSERT_EQ(batch.cursor(k), values[k]);
      ++counts.at(values[k] - 27);
    }
  }
  EXPECT_EQ(batch.table_rows(), 50);
  EXPECT_EQ(batch.next_cursor(), 77);
  double chi_squared = 0;
  for (const int count : counts) chi_squared += (count - 2000.0) * (count - 2000.0) / 2000.0;
  // 49 degrees of freedom, chance of 1 in 1000 with another seed.
  EXPECT_LT(chi_squared, 85.4);
  EXPECT_GT(chi_squared, 23);
}

TEST(Table, AnEmptyOneHasNoSamples) {
  const auto table = Make(MemoryTable("rows", 50));
  std::mt19937_64 random(5);
  v1::SampleResponse batch;
  const auto waiting = std::make_shared<Counter>();
  EXPECT_EQ(table->Sample(1, 1, random, batch, waiting), 0);
  ASSERT_TRUE(Append(*table, table->OpenWriter("w").value(), 0, 1).ok());
  EXPECT_EQ(waiting->wakes, 1);
  EXPECT_EQ(table->Sample(3, 1, random, batch, waiting), 1);
}

TEST(Table, GivesAsManyBatchesAsTheLimiterAllowsAndWakesTheSamplerForTheRest) {
  v1::TableConfig config = MemoryTable("rows", 1000);
  config.mutable_limiter()->set_samples_per_insert(1);
  config.mutable_limiter()->set_min_size(10);
  config.mutable_limiter()->set_error_buffer(40);
  const auto table = Make(config);
  EXPECT_TRUE(table->CheckBatch(16).ok());
  std::mt19937_64 random(5);
  v1::SampleResponse batch;
  const auto waiting = std::make_shared<Counter>();
  const WriterSession writer = table->OpenWriter("w").value();
  ASSERT_TRUE(Append(*table, writer, 0, 9).ok());
  EXPECT_EQ(table->Sample(16, 8, random, batch, waiting), 0);
  ASSERT_TRUE(Append(*table, writer, 9, 1).ok());
  EXPECT_EQ(waiting->wakes, 1);
  EXPECT_EQ(table->Sample(16, 8, random, batch, waiting), 2);
  EXPECT_EQ(batch.block().rows(), 32);
  EXPECT_EQ(table->Sample(16, 8, random, batch, waiting), 0);
  ASSERT_TRUE(Append(*table, writer, 10, 8).ok());
  EXPECT_EQ(waiting->wakes, 2);
  EXPECT_EQ(table->Sample(16, 8, random, batch, waiting), 1);
  EXPECT_EQ(table->Status().sampled(), 48);
}

TEST(ListenerList, KeepsThoseWhoComeOftenOnceAndForgetsTheDead) {
  ListenerList list;
  const auto often = std::make_shared<Counter>();
  for (int i = 0; i < 10'000; ++i) {
    list.Add(often);
    list.Add(std::make_shared<Counter>());
  }
  list.WakeAll();
  EXPECT_GE(often->wakes, 1);
  EXPECT_LE(often->wakes, 200);
  list.WakeAll();
  EXPECT_LE(often->wakes, 200);
}

TEST(TableConfig, NamesTheFieldThatIsWrong) {
  const auto message = [](const v1::TableConfig& config) {
    const absl::Status status = CheckTableConfig(config);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    return std::string(status.message());
  };
  EXPECT_TRUE(CheckTableConfig(MemoryTable("rows", 10)).ok());
  EXPECT_THAT(message(MemoryTable("Rows/..", 10)), HasSubstr("'Rows/..'"));
  EXPECT_THAT(message(MemoryTable("rows", 0)), HasSubstr("capacity is 0"));
  v1::TableConfig config = MemoryTable("rows", 10);
  config.clear_remover();
  EXPECT_THAT(message(config), HasSubstr("remover"));
  config = MemoryTable("rows", 10);
  config.clear_durability();
  EXPECT_THAT(message(config), HasSubstr("durability"));
  config = MemoryTable("rows", 10);
  config.mutable_schema()->mutable_columns()->RemoveLast();
  EXPECT_THAT(message(config), HasSubstr("table 'rows'"));
  config = MemoryTable("rows", 10);
  config.set_capacity_bytes(3);
  EXPECT_THAT(message(config), HasSubstr("capacity_bytes 3"));
  config = MemoryTable("rows", 10);
  config.mutable_limiter()->set_samples_per_insert(10);
  EXPECT_THAT(message(config), HasSubstr("table 'rows': limiter"));
  v1::TableConfigs configs;
  EXPECT_FALSE(CheckTableConfigs(configs).ok());
  *configs.add_tables() = MemoryTable("rows", 10);
  EXPECT_TRUE(CheckTableConfigs(configs).ok());
  *configs.add_tables() = MemoryTable("rows", 10);
  EXPECT_THAT(std::string(CheckTableConfigs(configs).message()), HasSubstr("twice"));
}

TEST(TableConfig, CapacityInBytesHoldsToo) {
  v1::TableConfig config = MemoryTable("rows", 1000);
  config.set_capacity_bytes(TestSchema().row_bytes() * 12 + 5);
  const auto table = Make(config);
  ASSERT_TRUE(Append(*table, table->OpenWriter("w").value(), 0, 100).ok());
  EXPECT_EQ(table->Status().rows(), 12);
}

TEST(TableConfig, WhatCannotFitInMemoryIsRefusedWithTheSums) {
  v1::TableConfigs configs;
  *configs.add_tables() = MemoryTable("rows", 100'000'000);
  *configs.add_tables() = MemoryTable("others", 100);
  EXPECT_GT(MemoryOfMachine(), uint64_t{64} << 20);
  const absl::Status status = CheckMemory(configs, 1 << 30);
  EXPECT_TRUE(absl::IsResourceExhausted(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("may grow to 4386 MiB"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("only 1024 MiB"));
  EXPECT_TRUE(CheckMemory(configs, BytesNeeded(configs)).ok());
}

}  // namespace
}  // namespace estuary::replay
