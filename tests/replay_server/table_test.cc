#include "replay_server/table.h"

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
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

}  // namespace
}  // namespace estuary::replay
