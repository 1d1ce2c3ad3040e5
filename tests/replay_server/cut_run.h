// Writers and a follower whose connections are cut at random bytes, while the server is replaced by
// a new one now and then.
#pragma once

#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "common/client/replay_follower.h"
#include "common/client/replay_writer.h"
#include "common/process/log.h"
#include "gtest/gtest.h"
#include "tests/replay_server/cutting_proxy.h"
#include "tests/replay_server/harness.h"
#include "tests/replay_server/model_run.h"

namespace estuary::replay {

inline void RunCut(uint64_t seed) {
  constexpr uint32_t kSpan = 1'000'000;
  constexpr uint32_t kWriters = 2;
  const absl::Duration patience = absl::Seconds(120);
  std::mt19937_64 random(seed);
  const uint32_t rows = 200 + random() % 1500;
  const TemporaryFolder folder;
  const std::vector<v1::TableConfig> tables = {DiskTable("rows", 1'000'000)};
  auto server = StartServer(folder.path(), tables);
  CuttingProxy proxy(folder / "proxy", folder / "socket", seed, 20'000);
  const std::vector<std::string> shards = {"unix:" + (folder / "proxy")};
  std::vector<std::unique_ptr<client::ReplayWriter>> writers;
  std::vector<std::thread> threads;
  for (uint32_t w = 0; w < kWriters; ++w) {
    writers.push_back(*client::ReplayWriter::Start({.shards = shards,
                                                    .table = "rows",
                                                    .writer_id = "w" + std::to_string(w),
                                                    .schema = TestSchema(),
                                                    .buffer_rows = 200}));
    threads.emplace_back([&, w, seed = random()] {
      std::mt19937_64 own(seed);
      transition::BlockBuilder builder(TestSchema());
      for (uint32_t next = 0; next < rows;) {
        const auto more = std::min<uint32_t>(rows - next, 1 + own() % 60);
        for (uint32_t i = 0; i < more; ++i) AddRow(builder, kSpan * w + next++);
        ASSERT_TRUE(writers[w]->Append(builder).ok());
      }
    });
  }
  const auto follower = *client::ReplayFollower::Start(
      {.shards = shards, .table = "rows", .schema = TestSchema(), .max_rows = 100});
  std::vector<uint32_t> next(kWriters, 0);
  uint32_t followed = 0;
  while (followed < kWriters * rows) {
    const auto block = follower->Next(patience);
    ASSERT_TRUE(block.ok()) << block.status();
    EXPECT_EQ(block->lost, 0);
    for (const uint32_t value : Values(block->block)) {
      ASSERT_EQ(value % kSpan, next.at(value / kSpan)++);
      ++followed;
    }
    if (random() % 30 == 0) {
      server.reset();
      server = StartServer(folder.path(), tables);
    }
    // A stream needs some bytes to get anywhere; towards the end it may.
    if (followed > kWriters * rows * 3 / 4) proxy.cutting = false;
  }
  for (uint32_t w = 0; w < kWriters; ++w) {
    threads[w].join();
    ASSERT_TRUE(writers[w]->Flush(patience).ok()) << writers[w]->status();
    EXPECT_EQ(writers[w]->stats().acknowledged_sequence, rows);
    EXPECT_EQ(writers[w]->stats().lost, 0);
  }
  EXPECT_EQ(server->shard().Describe().tables(0).rows(), kWriters * rows);
}

inline void RunCuts(uint64_t seeds) {
  spdlog::set_level(spdlog::level::off);
  for (uint64_t seed = 1; seed <= Seeds(seeds); ++seed) {
    RunCut(seed);
    if (::testing::Test::HasFailure()) FAIL() << "with seed " << seed;
  }
}

}  // namespace estuary::replay
