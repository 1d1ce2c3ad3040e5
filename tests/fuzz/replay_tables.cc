#include "tests/fuzz/replay_tables.h"

#include <cstring>
#include <filesystem>

#include "common/process/crc32c.h"
#include "common/transition/block.h"
#include "replay_server/record.h"
#include "tests/fuzz/harness/fuzz.h"

namespace estuary::fuzz {

transition::Schema ToySchema() {
  return transition::Schema::Standard("toy", /*observation_dim=*/2, /*action_dim=*/1, 50'000);
}

v1::TableConfigs ToyTables() {
  v1::TableConfigs tables;
  v1::TableConfig& real = *tables.add_tables();
  real.set_name("real");
  *real.mutable_schema() = ToySchema().proto();
  real.set_capacity(64);
  real.set_remover(v1::REMOVER_NONE);
  real.set_durability(v1::DURABILITY_DISK);
  v1::TableConfig& sim = *tables.add_tables();
  sim.set_name("sim");
  *sim.mutable_schema() = ToySchema().proto();
  sim.set_capacity(16);
  sim.set_remover(v1::REMOVER_FIFO);
  sim.set_durability(v1::DURABILITY_MEMORY);
  return tables;
}

std::unique_ptr<replay::Shard> OpenShard(const std::string& folder, process::Metrics& metrics,
                                         bool salvage, const v1::TableConfigs& tables) {
  replay::Shard::Options options;
  options.data_dir = folder;
  options.tables = tables;
  options.checkpoint_every = absl::InfiniteDuration();
  options.salvage = salvage;
  auto shard = replay::Shard::Open(options, metrics);
  return shard.ok() ? *std::move(shard) : nullptr;
}

std::string CheckTable(const replay::Table& table, bool finite) {
  const v1::TableStatus status = table.Status();
  const uint64_t capacity = table.config().capacity();
  FUZZ_CHECK(status.rows() <= capacity, "a table holds no more than it may");
  std::string bytes;
  v1::TransitionBlock block;
  uint64_t rows = 0;
  uint64_t cursor = status.first_cursor();
  const auto take = [&](const replay::ColumnStore& store, uint64_t slot,
                        const replay::Table::LogRead& what) { store.Read(slot, what.rows, block); };
  while (true) {
    const auto read = table.Read(cursor, 7, take, nullptr);
    FUZZ_CHECK(read.ok(), read.status().ToString());
    if (read->rows == 0) break;
    FUZZ_CHECK(read->lost == 0 && read->cursor >= cursor, "positions grow and nothing is lost");
    const absl::Status good = transition::CheckBlock(table.schema(), block, 7, finite);
    FUZZ_CHECK(good.ok(), good.ToString());
    for (const std::string& column : block.columns()) bytes += column;
    rows += read->rows;
    cursor = read->cursor + read->rows;
    FUZZ_CHECK(rows <= capacity, "the log ends");
  }
  FUZZ_CHECK(rows == status.rows(), "as many rows as the table says");
  return bytes;
}

std::string Reseal(std::string file) {
  constexpr uint32_t kMagic = 0x52545345;
  constexpr size_t kCrcAt = 16;
  constexpr size_t kZeroAt = 20;
  for (size_t offset = 0; offset + replay::kRecordHeaderBytes <= file.size();) {
    char* header = file.data() + offset;
    uint32_t magic = 0;
    uint32_t payload = 0;
    uint32_t zero = 0;
    std::memcpy(&magic, header, sizeof(magic));
    std::memcpy(&payload, header + sizeof(magic), sizeof(payload));
    std::memcpy(&zero, header + kZeroAt, sizeof(zero));
    const size_t end = offset + replay::kRecordHeaderBytes + payload;
    if (magic != kMagic || end > file.size()) {
      offset += 8;
      continue;
    }
    if (zero == 0) {
      std::memset(header + kCrcAt, 0, sizeof(uint32_t));
      const uint32_t crc = process::Crc32c({header + replay::kRecordHeaderBytes, payload},
                                           process::Crc32c({header, replay::kRecordHeaderBytes}));
      std::memcpy(header + kCrcAt, &crc, sizeof(crc));
    }
    offset = (end + 7) / 8 * 8;
  }
  return file;
}

}  // namespace estuary::fuzz
