// Random operations against a model that is a list of rows, with crashes in between: many seeds.
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
namespace {

// What the table should hold: values in order, where they lie, and how far each writer is.
struct Model {
  std::vector<uint32_t> values;
  std::vector<uint64_t> cursors;
  std::map<std::string, uint32_t> next;
};

class Run {
 public:
  Run(uint64_t seed, bool durable) : random_(seed), durable_(durable) {
    capacity_ = durable ? 1'000'000 : Pick(1, 300);
    Open();
  }

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
      default:
        return Append();
    }
  }

  void Check() {
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
    if (!crash) Checkpoint();
    shard_.reset();
    if (!durable_) model_ = saved_;
    if (crash && durable_ && Pick(0, 1) == 0) TearNewestSegment();
    Open();
  }

  // What a write that was under way leaves: anything, behind what was acknowledged.
  void TearNewestSegment() {
    std::string newest;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "data/rows")) {
      newest = std::max(newest, entry.path().string());
    }
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

  void Append() {
    const std::string id = "w" + std::to_string(Pick(0, 3));
    const WriterSession session = Session(id);
    uint32_t& next = model_.next[id];
    const uint32_t again = std::min(next, Pick(0, 2) == 0 ? Pick(0, 30) : 0);
    const uint32_t gap = Pick(0, 19) == 0 ? Pick(1, 5) : 0;
    const uint32_t first = gap > 0 ? next + gap : next - again;
    const uint32_t rows = Pick(1, 60);
    const uint32_t value = 100'000 * static_cast<uint32_t>(id[1] - '0') + first;
    v1::TransitionBlock block = Rows(value, rows);
    const auto appended = table_->Append(session, first, block, 0, /*bulk=*/false, listener_);
    if (gap > 0) {
      ASSERT_EQ(appended.status().code(), absl::StatusCode::kFailedPrecondition);
      return;
    }
    ASSERT_TRUE(appended.ok()) << appended.status();
    ASSERT_EQ(appended->rows, rows);
    while (!table_->table->StateOf(session, nullptr).settled) {
      absl::SleepFor(absl::Microseconds(50));
    }
    for (uint32_t row = again; row < rows; ++row) model_.values.push_back(value + row);
    next = std::max(next, first + rows);
    ASSERT_EQ(table_->table->StateOf(session, nullptr).stored, next);
  }

  void Checkpoint() {
    ASSERT_TRUE(shard_->Checkpoint().ok());
    saved_ = model_;
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
  uint64_t capacity_ = 0;
  const TemporaryFolder folder_;
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

// ESTUARY_MODEL_SEEDS multiplies the seeds.
uint64_t Seeds(uint64_t seeds) {
  const char* times = std::getenv("ESTUARY_MODEL_SEEDS");
  return seeds * (times != nullptr ? std::stoull(times) : 1);
}

void RunSeeds(bool durable, uint64_t seeds, int steps) {
  spdlog::set_level(spdlog::level::off);
  for (uint64_t seed = 1; seed <= Seeds(seeds); ++seed) {
    Run run(seed, durable);
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) run.Step();
    run.Check();
    if (::testing::Test::HasFailure()) {
      FAIL() << "with seed " << seed;
    }
  }
}

TEST(ReplayModel, ATableInMemoryIsTheListOfRowsThatTheLastCheckpointAndTheWritersMakeIt) {
  RunSeeds(/*durable=*/false, 50, 60);
}

TEST(ReplayModel, ADurableTableIsTheListOfAllRowsWhateverCrashes) {
  RunSeeds(/*durable=*/true, 50, 60);
}

}  // namespace
}  // namespace estuary::replay
