// A process that appends to a shard and is killed with kill -9 at any moment, over and over; what
// it was told is stored must be there afterwards, once and in order.
#pragma once

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "common/process/log.h"
#include "gtest/gtest.h"
#include "replay_server/shard.h"
#include "tests/replay_server/harness.h"
#include "tests/replay_server/model_run.h"

namespace estuary::replay {

class CrashRun {
 public:
  CrashRun(uint64_t seed, bool durable) : seed_(seed), random_(seed), durable_(durable) {}

  void Round(int round) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    // The parent has no thread now but this one: its shard is closed.
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      close(ends[0]);
      AppendUntilKilled(ends[1], seed_ * 100 + round);
    }
    close(ends[1]);
    // From before it has opened its files to after hundreds of commits.
    const auto life = absl::Microseconds(random_() % 40'000);
    const absl::Time end = absl::Now() + life;
    bool killed = false;
    Word word;
    while (true) {
      pollfd polled = {.fd = ends[0], .events = POLLIN, .revents = 0};
      poll(&polled, 1, killed ? -1 : 1);
      if (!killed && absl::Now() >= end) {
        kill(child, SIGKILL);
        killed = true;
      }
      if (polled.revents == 0) continue;
      if (read(ends[0], &word, sizeof(word)) != sizeof(word)) break;
      Note(word);
    }
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(killed && WIFSIGNALED(status)) << "the child ended by itself";
    Check();
  }

 private:
  static constexpr int kWriters = 3;
  static constexpr uint32_t kSpan = 1'000'000;

  // What the child was told: that a writer's rows are stored up to `next`, or (writer -1) that a
  // checkpoint is complete.
  struct Word {
    int32_t writer = 0;
    uint32_t next = 0;
  };

  Shard::Options Options() const {
    Shard::Options options;
    options.data_dir = folder_ / "data";
    *options.tables.add_tables() =
        durable_ ? DiskTable("rows", 1'000'000) : MemoryTable("rows", 1'000'000);
    options.checkpoint_every = absl::InfiniteDuration();
    options.segment_bytes = 5'000;
    return options;
  }

  [[noreturn]] void AppendUntilKilled(int to, uint64_t seed) const {
    std::mt19937_64 random(seed);
    process::Metrics metrics;
    const auto shard = Shard::Open(Options(), metrics);
    if (!shard.ok()) _exit(1);
    ShardTable& table = **(*shard)->Find("rows");
    class Nobody final : public Listener {
      void Wake() override {}
    };
    const auto nobody = std::make_shared<Nobody>();
    std::array<WriterSession, kWriters> sessions;
    for (int w = 0; w < kWriters; ++w) {
      sessions[w] = table.table->OpenWriter("w" + std::to_string(w)).value();
    }
    const auto say = [to](const Word& word) {
      if (write(to, &word, sizeof(word)) != sizeof(word)) _exit(1);
    };
    while (true) {
      const int w = static_cast<int>(random() % kWriters);
      const uint64_t next = table.table->StateOf(sessions[w], nullptr).stored;
      const auto rows = static_cast<uint32_t>(1 + random() % 50);
      v1::TransitionBlock block = Rows(kSpan * w + static_cast<uint32_t>(next), rows);
      if (!table.Append(sessions[w], next, block, 0, false, nobody).ok()) _exit(1);
      while (!table.table->StateOf(sessions[w], nullptr).settled) {
        absl::SleepFor(absl::Microseconds(20));
      }
      say({.writer = w, .next = static_cast<uint32_t>(next + rows)});
      if (durable_ || random() % 10 > 0) continue;
      if (!(*shard)->Checkpoint().ok()) _exit(1);
      say({.writer = -1, .next = 0});
    }
  }

  void Note(const Word& word) {
    if (word.writer >= 0) {
      told_[word.writer] = word.next;
      if (durable_) kept_[word.writer] = word.next;
    } else {
      kept_ = told_;
    }
  }

  void Check() {
    process::Metrics metrics;
    const auto shard = Shard::Open(Options(), metrics);
    ASSERT_TRUE(shard.ok()) << shard.status();
    Table& table = *(*(*shard)->Find("rows"))->table;
    std::array<uint32_t, kWriters> next{};
    uint64_t cursor = 0;
    while (true) {
      v1::TransitionBlock block;
      const auto read = table.Read(
          cursor, 1000,
          [&](const ColumnStore& store, uint64_t slot, const Table::LogRead& what) {
            store.Read(slot, what.rows, block);
          },
          nullptr);
      ASSERT_TRUE(read.ok()) << read.status();
      if (read->rows == 0) break;
      for (const uint32_t value : Values(block)) {
        // In the writer's order, none missing, none twice.
        ASSERT_EQ(value % kSpan, next.at(value / kSpan)++);
      }
      cursor = read->cursor + read->rows;
    }
    for (int w = 0; w < kWriters; ++w) {
      ASSERT_GE(next[w], kept_[w]);
      ASSERT_EQ(table.StateOf(table.OpenWriter("w" + std::to_string(w)).value(), nullptr).stored,
                next[w]);
      told_[w] = next[w];
      kept_[w] = next[w];
    }
  }

  const uint64_t seed_;
  std::mt19937_64 random_;
  const bool durable_;
  const TemporaryFolder folder_{kMemoryFolder};
  // What each writer was told, and what of it must outlive a crash.
  std::array<uint32_t, kWriters> told_{};
  std::array<uint32_t, kWriters> kept_{};
};

inline void RunCrashes(bool durable, uint64_t seeds) {
  spdlog::set_level(spdlog::level::off);
  for (uint64_t seed = 1; seed <= Seeds(seeds); ++seed) {
    CrashRun run(seed, durable);
    for (int round = 0; round < 4 && !::testing::Test::HasFailure(); ++round) run.Round(round);
    if (::testing::Test::HasFailure()) FAIL() << "with seed " << seed;
  }
}

}  // namespace estuary::replay
