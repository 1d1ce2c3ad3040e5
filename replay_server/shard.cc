#include "replay_server/shard.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/process/files.h"
#include "common/process/log.h"
#include "common/process/status.h"
#include "common/transition/block.h"
#include "replay_server/checkpoint.h"
#include "replay_server/memory_limit.h"
#include "replay_server/table_config.h"

namespace estuary::replay {
namespace {

// Positions that each start leaves to itself: a table in memory never fills them.
constexpr int kStartShift = 40;
constexpr absl::Duration kLongWait = absl::Seconds(5);
constexpr absl::Duration kNextWord = absl::Seconds(30);
constexpr absl::Duration kDiskLook = absl::Seconds(10);

std::string NewShardId() {
  std::random_device random;
  return absl::StrFormat("%08x%08x", random(), random());
}

}  // namespace

absl::StatusOr<ShardTable::Appended> ShardTable::Append(const WriterSession& session,
                                                        uint64_t first_sequence,
                                                        v1::TransitionBlock& block, uint32_t first,
                                                        bool bulk, const ListenerPtr& listener,
                                                        absl::Span<const float> priorities) {
  if (committer != nullptr) {
    return committer->Append(session, first_sequence, block, first, bulk, listener, priorities);
  }
  ESTUARY_ASSIGN_OR_RETURN(
      const Table::Reservation done,
      table->Append(session, first_sequence, block, first, bulk, listener, priorities));
  return Appended{.rows = done.duplicates + done.taken};
}

absl::Status ShardTable::CommitError(const WriterSession& session) const {
  return committer != nullptr ? committer->ErrorOf(session) : absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Shard>> Shard::Open(const Options& options,
                                                   process::Metrics& metrics) {
  ESTUARY_RETURN_IF_ERROR(CheckTableConfigs(options.tables));
  const uint64_t limit =
      options.memory_limit > 0 ? options.memory_limit : MemoryOfMachine() / 10 * 9;
  ESTUARY_RETURN_IF_ERROR(CheckMemory(options.tables, limit));
  auto shard = std::unique_ptr<Shard>(new Shard(options, metrics));
  ESTUARY_RETURN_IF_ERROR(shard->TakeFolder());
  for (const v1::TableConfig& config : options.tables.tables()) {
    ESTUARY_RETURN_IF_ERROR(shard->OpenTable(config));
  }
  // Before the first scrape: a disk with no room left must not be what an alert sees at a start.
  shard->UpdateMetrics();
  shard->thread_ = std::thread([raw = shard.get()] { raw->Run(); });
  return shard;
}

absl::Status Shard::TakeFolder() {
  const std::string& folder = options_.data_dir;
  if (folder.empty()) {
    return absl::InvalidArgumentError("no data folder is given; say --data_dir=FOLDER");
  }
  ESTUARY_RETURN_IF_ERROR(process::CreateDirectories(folder));
  const std::string lock_path = absl::StrCat(folder, "/lock");
  lock_file_ = open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock_file_ < 0) {
    return process::ErrnoStatus(errno, absl::StrCat("cannot open '", lock_path, "'"));
  }
  if (flock(lock_file_, LOCK_EX | LOCK_NB) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("another replay server uses the data folder '", folder, "'"));
  }
  const std::string id_path = absl::StrCat(folder, "/shard_id");
  absl::StatusOr<std::string> id = process::ReadFile(id_path);
  if (absl::IsNotFound(id.status())) {
    id = NewShardId();
    ESTUARY_RETURN_IF_ERROR(process::WriteFileAtomically(id_path, *id));
  }
  if (!id.ok()) return id.status();
  id_ = *std::move(id);
  const std::string starts_path = absl::StrCat(folder, "/starts");
  const absl::StatusOr<std::string> starts = process::ReadFile(starts_path);
  if (!starts.ok() && !absl::IsNotFound(starts.status())) return starts.status();
  if (starts.ok() && !absl::SimpleAtoi(*starts, &starts_)) {
    return absl::DataLossError(absl::StrCat("'", starts_path, "' must hold a number, holds '",
                                            *starts, "'; restore it from a copy"));
  }
  return process::WriteFileAtomically(starts_path, absl::StrCat(starts_ + 1));
}

absl::Status Shard::OpenTable(const v1::TableConfig& config) {
  const std::string folder = absl::StrCat(options_.data_dir, "/", config.name());
  ShardTable& entry = tables_[config.name()];
  ESTUARY_ASSIGN_OR_RETURN(entry.table, Table::Create(config));
  Table& table = *entry.table;
  if (table.durable()) {
    SegmentLog::Reader reader;
    reader.head = [&](const v1::SegmentHead& head) {
      return table.Restore(head.state(), head.cursor());
    };
    reader.later_head = [&](const v1::SegmentHead& head) { table.RestoreLater(head.state()); };
    reader.block = [&](const v1::StoredBlock& block) -> absl::Status {
      ESTUARY_RETURN_IF_ERROR(transition::CheckBlock(table.schema(), block.block(),
                                                     block.block().rows(), /*check_finite=*/false));
      return table.RestoreBlock(block, /*replay=*/true);
    };
    ESTUARY_ASSIGN_OR_RETURN(std::unique_ptr<SegmentLog> log,
                             SegmentLog::Open({.folder = folder,
                                               .shard_id = id_,
                                               .segment_bytes = options_.segment_bytes,
                                               .salvage = options_.salvage},
                                              reader));
    table.JumpTo(log->next_cursor());
    entry.committer = std::make_unique<Committer>(table, std::move(log), metrics_);
  } else {
    ESTUARY_ASSIGN_OR_RETURN(const CheckpointInfo info, ReadCheckpoint(table, folder, id_));
    if (!info.path.empty()) {
      spdlog::info("table '{}' restored from '{}'", table.name(), info.path);
    }
    table.JumpTo(starts_ << kStartShift);
  }
  table.FinishRestore();
  const v1::TableStatus status = table.Status();
  spdlog::info("shard {}: table '{}' holds {} of {} rows, positions {} to {}", id_, table.name(),
               status.rows(), config.capacity(), status.first_cursor(), status.next_cursor());
  table_metrics_.try_emplace(table.name(), metrics_, config);
  return absl::OkStatus();
}

Shard::~Shard() {
  std::vector<Done> unserved;
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
    unserved.swap(requests_);
  }
  for (const Done& done : unserved) done(absl::UnavailableError("the shard is closing"));
  if (thread_.joinable()) thread_.join();
  if (lock_file_ >= 0) close(lock_file_);
}

absl::StatusOr<ShardTable*> Shard::Find(const std::string& table) {
  const auto found = tables_.find(table);
  if (found != tables_.end()) return &found->second;
  const auto name = [](std::string* out, const auto& entry) { out->append(entry.first); };
  return absl::NotFoundError(absl::StrCat("shard ", id_, " has no table '", table, "'; it has ",
                                          absl::StrJoin(tables_, ", ", name)));
}

v1::DescribeResponse Shard::Describe() const {
  v1::DescribeResponse response;
  response.set_shard_id(id_);
  for (const auto& [name, entry] : tables_) *response.add_tables() = entry.table->Status();
  return response;
}

absl::StatusOr<v1::CheckpointResponse> Shard::Checkpoint() {
  const absl::MutexLock lock(&checkpoint_mutex_);
  const absl::Time start = absl::Now();
  absl::StatusOr<v1::CheckpointResponse> written = WriteCheckpoints();
  shard_metrics_.AddCheckpoint(written.ok(), absl::Now() - start);
  return written;
}

absl::StatusOr<v1::CheckpointResponse> Shard::WriteCheckpoints() {
  v1::CheckpointResponse response;
  response.set_path(options_.data_dir);
  for (const auto& [name, entry] : tables_) {
    if (entry.table->durable()) continue;
    ESTUARY_ASSIGN_OR_RETURN(
        const CheckpointInfo info,
        WriteCheckpoint(*entry.table, absl::StrCat(options_.data_dir, "/", name), id_));
    response.set_rows(response.rows() + info.rows);
  }
  return response;
}

void Shard::CheckpointInBackground(Done done) {
  {
    const absl::MutexLock lock(&mutex_);
    if (!stopping_) {
      requests_.push_back(std::move(done));
      return;
    }
  }
  done(absl::UnavailableError("the shard is closing"));
}

void Shard::UpdateMetrics() {
  const absl::Time now = absl::Now();
  const bool look = now >= next_disk_look_;
  if (look) {
    next_disk_look_ = now + kDiskLook;
    shard_metrics_.UpdateDisk();
  }
  for (const auto& [name, entry] : tables_) {
    TableMetrics& metrics = table_metrics_.at(name);
    metrics.Update(entry.table->Status());
    if (look) metrics.SetDiskUsed(BytesOfFiles(absl::StrCat(options_.data_dir, "/", name)));
  }
}

void Shard::LogWaits() {
  const absl::Time now = absl::Now();
  for (const auto& [name, entry] : tables_) {
    const std::string waiting = entry.table->Waiting(kLongWait);
    absl::Time& next = next_word_[name];
    if (waiting.empty()) {
      next = now;
    } else if (now >= next) {
      spdlog::info("table '{}': {}", name, waiting);
      next = now + kNextWord;
    }
  }
}

void Shard::Run() {
  absl::Time next_checkpoint = absl::Now() + options_.checkpoint_every;
  while (true) {
    std::vector<Done> requests;
    {
      const absl::MutexLock lock(&mutex_);
      mutex_.AwaitWithTimeout(absl::Condition(this, &Shard::HasRequest), absl::Seconds(1));
      if (stopping_) return;
      requests.swap(requests_);
    }
    UpdateMetrics();
    LogWaits();
    if (requests.empty() && absl::Now() < next_checkpoint) continue;
    const absl::StatusOr<v1::CheckpointResponse> written = Checkpoint();
    if (!written.ok()) {
      spdlog::error("checkpoint failed: {}", std::string(written.status().message()));
    }
    for (const Done& done : requests) done(written);
    next_checkpoint = absl::Now() + options_.checkpoint_every;
  }
}

}  // namespace estuary::replay
