// Random operations on a shard against a model that is a list of rows, with crashes and full disks
// in between.
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "common/process/log.h"
#include "gtest/gtest.h"
#include "replay_server/shard.h"
#include "tests/replay_server/harness.h"

namespace estuary::replay {

// What the table should hold: values in order, where they lie, and how far each writer is.
struct Model {
  std::vector<uint32_t> values;
  std::vector<uint64_t> cursors;
  std::map<std::string, uint32_t> next;
};

class ModelRun {
 public:
  struct Options {
    bool durable = false;
    // The disk is full now and then, in the middle of a write too.
    bool full_disks = false;
  };

  ModelRun(uint64_t seed, const Options& options)
      : random_(seed), durable_(options.durable), full_disks_(options.full_disks) {
    capacity_ = durable_ ? 1'000'000 : Pick(1, 300);
    Open();
  }
  ~ModelRun() { LimitFiles(RLIM_INFINITY); }

  void Step() {
    switch (Pick(0, 11)) {
      case 0:
        return Restart(/*crash=*/false);
      case 1:
        return Restart(/*crash=*/true);
      case 2:
        return OpenWriter();
      case 3:
        return Checkpoint();
      case 4:
        return Follow();
      case 5:
        if (full_disks_) return FillDisk();
        return Burst();
      case 6:
        return Burst();
      default:
        return Append();
    }
  }

  void Check() {
    LimitFiles(RLIM_INFINITY);
    const v1::TableStatus status = table_->table->Status();
    const size_t held = std::min<size_t>(model_.values.size(), capacity_);
    ASSERT_EQ(status.rows(), held);
    cursor_ = 0;
    followed_.clear();
    while (ReadSome()) {
    }
    ASSERT_EQ(followed_, std::vector<uint32_t>(model_.values.end() - held, model_.values.end()));
  }

 private:
  uint32_t Pick(uint32_t least, uint32_t most) {
    return std::uniform_int_distribution<uint32_t>(least, most)(random_);
  }

  void Open() {
    Shard::Options options;
    options.data_dir = folder_ / "data";
    *options.tables.add_tables() =
        durable_ ? DiskTable("rows", capacity_) : MemoryTable("rows", capacity_);
    options.checkpoint_every = absl::InfiniteDuration();
    options.segment_bytes = Pick(200, 20'000);
    metrics_ = std::make_unique<process::Metrics>();
    auto shard = Shard::Open(options, *metrics_);
    ASSERT_TRUE(shard.ok()) << shard.status();
    shard_ = *std::move(shard);
    table_ = *shard_->Find("rows");
    sessions_.clear();
  }

  void Restart(bool crash) {
    LimitFiles(RLIM_INFINITY);
    if (!crash) Checkpoint();
    shard_.reset();
    if (!durable_) model_ = saved_;
    if (crash && durable_ && Pick(0, 1) == 0) TearNewestSegment();
    Open();
  }

  // What a write that was under way leaves: anything, behind what was acknowledged.
  void TearNewestSegment() {
    const std::string newest = NewestFile();
    if (newest.empty()) return;
    std::ofstream file(newest, std::ios::app | std::ios::binary);
    for (uint32_t i = Pick(1, 200); i > 0; --i) file.put(static_cast<char>(Pick(0, 255)));
  }

  WriterSession& Session(const std::string& id) {
    const auto found = sessions_.find(id);
    if (found != sessions_.end()) return found->second;
    return sessions_[id] = table_->table->OpenWriter(id).value();
  }

  void OpenWriter() {
    const std::string id = "w" + std::to_string(Pick(0, 3));
    sessions_.erase(id);
    ASSERT_EQ(table_->table->StateOf(Session(id), nullptr).stored, model_.next[id]);
  }

  // Lets files grow to this size and no further: a write that crosses it is cut short.
  void LimitFiles(rlim_t bytes) {
    rlimit limit{};
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = std::min(bytes, limit.rlim_max);
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    disk_full_ = bytes != RLIM_INFINITY;
  }

  void FillDisk() {
    if (disk_full_) return LimitFiles(RLIM_INFINITY);
    const std::string newest = NewestFile();
    const uint64_t size = newest.empty() ? 0 : std::filesystem::file_size(newest);
    LimitFiles(size + Pick(0, 4000));
  }

  std::string NewestFile() const {
    std::string newest;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "data/rows")) {
      if (entry.path().filename() != "mark") newest = std::max(newest, entry.path().string());
    }
    return newest;
  }

  // A block on its way: the writer's rows from `first` on.
  struct Sent {
    std::string id;
    WriterSession session;
    uint32_t first = 0;
    uint32_t rows = 0;
  };

  // Appends rows of a writer from `first` on, without waiting; false where that was refused.
  bool Send(const std::string& id, uint32_t first, uint32_t rows, std::vector<Sent>& sent) {
    const WriterSession session = Session(id);
    v1::TransitionBlock block = Rows(ValueOf(id, first), rows);
    const auto appended = table_->Append(session, first, block, 0, /*bulk=*/false, listener_);
    if (appended.ok()) {
      EXPECT_EQ(appended->rows, rows);
      sent.push_back({.id = id, .session = session, .first = first, .rows = rows});
    } else {
      // Of an earlier block, which was dropped.
      EXPECT_TRUE(disk_full_) << appended.status();
    }
    return appended.ok();
  }

  // Waits until the blocks' fates are known and notes them.
  void Settle(const std::vector<Sent>& sent) {
    for (const Sent& one : sent) {
      Table::WriterState state = table_->table->StateOf(one.session, nullptr);
      while (!state.settled) {
        absl::SleepFor(absl::Microseconds(50));
        state = table_->table->StateOf(one.session, nullptr);
      }
      uint32_t& next = model_.next[one.id];
      const uint32_t end = one.first + one.rows;
      // A block is stored as a whole or not at all.
      if (state.stored >= end) {
        for (uint32_t row = std::max(next, one.first); row < end; ++row) {
          model_.values.push_back(ValueOf(one.id, row));
        }
        next = std::max(next, end);
      } else {
        const absl::Status why = table_->CommitError(one.session);
        ASSERT_TRUE(disk_full_ && absl::IsResourceExhausted(why)) << why;
      }
    }
    for (const Sent& one : sent) {
      ASSERT_EQ(table_->table->StateOf(one.session, nullptr).stored, model_.next[one.id]);
      // After an error a writer comes back with a new session.
      if (!table_->CommitError(one.session).ok()) sessions_.erase(one.id);
    }
  }

  static uint32_t ValueOf(const std::string& id, uint32_t sequence) {
    return 100'000 * static_cast<uint32_t>(id[1] - '0') + sequence;
  }

  void Append() {
    const std::string id = "w" + std::to_string(Pick(0, 3));
    const uint32_t next = model_.next[id];
    if (Pick(0, 19) == 0) {
      v1::TransitionBlock block = Rows(0, 1);
      const auto gap =
          table_->Append(Session(id), next + Pick(1, 5), block, 0, /*bulk=*/false, listener_);
      ASSERT_EQ(gap.status().code(), absl::StatusCode::kFailedPrecondition);
      return;
    }
    const uint32_t again = std::min(next, Pick(0, 2) == 0 ? Pick(0, 30) : 0);
    std::vector<Sent> sent;
    Send(id, next - again, Pick(1, 60), sent);
    Settle(sent);
  }

  // Blocks of several writers that are committed together, or fail together.
  void Burst() {
    std::map<std::string, uint32_t> next = model_.next;
    std::vector<Sent> sent;
    for (uint32_t i = Pick(2, 12); i > 0; --i) {
      const std::string id = "w" + std::to_string(Pick(0, 3));
      const uint32_t rows = Pick(1, 30);
      if (Send(id, next[id], rows, sent)) next[id] += rows;
    }
    Settle(sent);
  }

  void Checkpoint() {
    const absl::Status status = shard_->Checkpoint().status();
    ASSERT_TRUE(status.ok() || disk_full_) << status;
    if (status.ok()) saved_ = model_;
  }

  void Follow() {
    // From somewhere, also where rows died with a crash; never beyond the end.
    const uint64_t end = table_->table->next_cursor();
    cursor_ = seen_.empty() || Pick(0, 3) == 0
                  ? 0
                  : std::next(seen_.begin(), Pick(0, seen_.size() - 1))->first;
    ASSERT_LE(cursor_, end);
    while (ReadSome()) {
    }
    ASSERT_LE(cursor_, end);
  }

  // Reads on from cursor_. A position never names two rows, whatever crashed between.
  bool ReadSome() {
    v1::TransitionBlock block;
    const auto read = table_->table->Read(
        cursor_, 17,
        [&](const ColumnStore& store, uint64_t slot, const Table::LogRead& what) {
          store.Read(slot, what.rows, block);
        },
        nullptr);
    EXPECT_TRUE(read.ok()) << read.status();
    if (!read.ok() || read->rows == 0) return false;
    const std::vector<uint32_t> values = Values(block);
    for (uint32_t i = 0; i < read->rows; ++i) {
      const auto [entry, fresh] = seen_.emplace(read->cursor + i, values[i]);
      EXPECT_EQ(entry->second, values[i]) << "at position " << entry->first;
      followed_.push_back(values[i]);
    }
    cursor_ = read->cursor + read->rows;
    return true;
  }

  class Nobody final : public Listener {
    void Wake() override {}
  };

  std::mt19937_64 random_;
  const bool durable_;
  const bool full_disks_;
  bool disk_full_ = false;
  uint64_t capacity_ = 0;
  const TemporaryFolder folder_{kMemoryFolder};
  std::unique_ptr<process::Metrics> metrics_;
  std::unique_ptr<Shard> shard_;
  ShardTable* table_ = nullptr;
  std::map<std::string, WriterSession> sessions_;
  const ListenerPtr listener_ = std::make_shared<Nobody>();
  Model model_;
  // As of the last checkpoint.
  Model saved_;
  std::map<uint64_t, uint32_t> seen_;
  uint64_t cursor_ = 0;
  std::vector<uint32_t> followed_;
};

// How many seeds to run: ESTUARY_MODEL_SEEDS multiplies them.
inline uint64_t Seeds(uint64_t seeds) {
  const char* times = std::getenv("ESTUARY_MODEL_SEEDS");
  return seeds * (times != nullptr ? std::stoull(times) : 1);
}

inline void RunModel(const ModelRun::Options& options, uint64_t seeds, int steps) {
  spdlog::set_level(spdlog::level::off);
  // A file that may not grow is an error of the write, not the end of the process.
  std::signal(SIGXFSZ, SIG_IGN);
  for (uint64_t seed = 1; seed <= Seeds(seeds); ++seed) {
    ModelRun run(seed, options);
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) run.Step();
    run.Check();
    if (::testing::Test::HasFailure()) FAIL() << "with seed " << seed;
  }
}

}  // namespace estuary::replay
