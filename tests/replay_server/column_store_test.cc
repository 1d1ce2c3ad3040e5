#include "replay_server/column_store.h"

#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/replay_server/harness.h"

namespace estuary::replay {
namespace {

// Rows of random bytes: the store does not look at them.
v1::TransitionBlock RandomBlock(const transition::Schema& schema, uint32_t rows,
                                std::mt19937& random) {
  v1::TransitionBlock block;
  block.set_rows(rows);
  for (int i = 0; i < schema.columns(); ++i) {
    std::string& column = *block.add_columns();
    for (size_t k = 0; k < rows * schema.column_bytes(i); ++k) {
      column.push_back(static_cast<char>(random()));
    }
  }
  return block;
}

// Wide columns have arrays of their own, narrow ones share one: both kinds, and the ring's end.
TEST(ColumnStore, GivesBackEveryColumnOfRowsInARunAndFromAnywhere) {
  for (const int observation_dim : {1, 8, 17, 40}) {
    const transition::Schema schema =
        transition::Schema::Robot("toy", observation_dim, /*action_dim=*/6, 50'000);
    constexpr uint64_t kCapacity = 37;
    ColumnStore store = ColumnStore::Create(schema, kCapacity).value();
    std::mt19937 random(observation_dim);
    // What each slot's columns should hold.
    std::vector<std::vector<std::string>> expected(kCapacity,
                                                   std::vector<std::string>(schema.columns()));
    for (uint32_t round = 0; round < 50; ++round) {
      const auto offered = static_cast<uint32_t>(1 + random() % 50);
      const auto first = static_cast<uint32_t>(random() % offered);
      const uint32_t rows = std::min<uint32_t>(offered - first, kCapacity);
      const v1::TransitionBlock block = RandomBlock(schema, offered, random);
      const uint64_t slot = random() % kCapacity;
      store.Write(slot, block, first, rows);
      for (uint32_t k = 0; k < rows; ++k) {
        for (int i = 0; i < schema.columns(); ++i) {
          const size_t bytes = schema.column_bytes(i);
          expected[(slot + k) % kCapacity][i] = block.columns(i).substr((first + k) * bytes, bytes);
        }
      }
    }
    v1::TransitionBlock read;
    store.Read(/*slot=*/5, kCapacity, read);
    ASSERT_EQ(read.rows(), kCapacity);
    std::vector<uint64_t> slots;
    for (int k = 0; k < 100; ++k) slots.push_back(random() % kCapacity);
    for (int i = 0; i < schema.columns(); ++i) {
      std::string run;
      for (uint64_t k = 0; k < kCapacity; ++k) run += expected[(5 + k) % kCapacity][i];
      EXPECT_EQ(read.columns(i), run) << "column " << i;
      std::string gathered(slots.size() * schema.column_bytes(i), '\0');
      store.Gather(i, slots, gathered.data());
      std::string wanted;
      for (const uint64_t slot : slots) wanted += expected[slot][i];
      EXPECT_EQ(gathered, wanted) << "column " << i;
    }
  }
}

}  // namespace
}  // namespace estuary::replay
