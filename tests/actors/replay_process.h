// A real estuary-replay with a table `sim` in memory, and what it holds.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/client/replay_follower.h"
#include "common/client/replay_shards.h"
#include "common/process/files.h"
#include "common/process/textproto.h"
#include "common/transition/schema.h"
#include "tests/actors/child_process.h"

namespace estuary::actor::testing {

class ReplayProcess {
 public:
  // `binary` is estuary-replay; `folder` gets its socket, configuration and data.
  ReplayProcess(const std::string& binary, const std::string& folder,
                const transition::Schema& schema, uint64_t capacity = 1'000'000,
                const v1::SamplesPerInsert* limiter = nullptr)
      : binary_(binary), folder_(folder), address_(absl::StrCat("unix:", folder, "/replay.sock")) {
    std::filesystem::create_directories(folder);
    v1::TableConfigs configs;
    v1::TableConfig& table = *configs.add_tables();
    table.set_name("sim");
    *table.mutable_schema() = schema.proto();
    table.set_capacity(capacity);
    table.set_remover(v1::REMOVER_FIFO);
    table.set_durability(v1::DURABILITY_MEMORY);
    if (limiter != nullptr) *table.mutable_limiter() = *limiter;
    static_cast<void>(
        process::WriteFileAtomically(folder + "/tables.textproto", process::ToTextProto(configs)));
    Start();
  }

  void Start() {
    process_ = std::make_unique<ChildProcess>(
        std::vector<std::string>{binary_, "--listen=" + address_,
                                 "--table_config=" + folder_ + "/tables.textproto",
                                 "--data_dir=" + folder_ + "/data"},
        folder_ + "/replay.log");
  }
  ChildProcess& process() { return *process_; }
  const std::string& address() const { return address_; }

  // The table's status; the default one where the shard does not answer.
  v1::TableStatus Describe() const {
    const auto shard = client::DescribeShards({address_}, absl::Seconds(5))[0];
    const v1::TableStatus* table = shard.ok() ? client::FindTable(*shard, "sim") : nullptr;
    return table == nullptr ? v1::TableStatus() : *table;
  }

  // Waits until it holds so many rows; false where it did not come to that.
  bool WaitForRows(uint64_t rows, absl::Duration timeout = absl::Seconds(60)) const {
    for (const absl::Time end = absl::Now() + timeout; absl::Now() < end;) {
      if (Describe().inserted() >= rows) return true;
      absl::SleepFor(absl::Milliseconds(20));
    }
    return false;
  }

  // The first rows of the log, column by column.
  std::vector<std::string> Read(const transition::Schema& schema, uint64_t rows) const {
    std::vector<std::string> columns(schema.columns());
    auto follower = client::ReplayFollower::Start(
        {.shards = {address_}, .table = "sim", .schema = schema, .cursors = {}, .max_rows = 0});
    if (!follower.ok()) return {};
    const absl::Time end = absl::Now() + absl::Seconds(30);
    while (columns[0].size() < rows * schema.column_bytes(0) && absl::Now() < end) {
      const auto block = (*follower)->Next(absl::Seconds(1));
      if (!block.ok()) continue;
      for (int i = 0; i < schema.columns(); ++i) columns[i] += block->block.columns(i);
    }
    for (int i = 0; i < schema.columns(); ++i) columns[i].resize(rows * schema.column_bytes(i));
    return columns;
  }

 private:
  const std::string binary_;
  const std::string folder_;
  const std::string address_;
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace estuary::actor::testing
