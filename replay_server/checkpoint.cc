#include "replay_server/checkpoint.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <optional>
#include <system_error>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/process/files.h"
#include "common/process/log.h"
#include "common/process/status.h"
#include "common/transition/block.h"
#include "replay_server/record.h"

namespace estuary::replay {
namespace {

constexpr char kSuffix[] = ".checkpoint";
constexpr size_t kPieceBytes = 1 << 20;
constexpr size_t kKept = 2;

struct Found {
  uint64_t number = 0;
  std::string path;
};

// Newest first.
absl::StatusOr<std::vector<Found>> List(const std::string& folder) {
  std::vector<Found> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    Found one = {.number = 0, .path = entry.path().string()};
    if (absl::EndsWith(name, kSuffix) &&
        absl::SimpleAtoi(absl::string_view(name).substr(0, name.size() - sizeof(kSuffix) + 1),
                         &one.number)) {
      found.push_back(std::move(one));
    } else if (absl::EndsWith(name, ".tmp")) {
      unlink(entry.path().c_str());
    }
  }
  if (error) {
    return process::ErrnoStatus(error.value(), absl::StrCat("cannot read folder '", folder, "'"));
  }
  std::sort(found.begin(), found.end(),
            [](const Found& a, const Found& b) { return a.number > b.number; });
  return found;
}

absl::Status WriteAll(int file, absl::string_view data, const std::string& path) {
  while (!data.empty()) {
    const ssize_t written = write(file, data.data(), data.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return process::ErrnoStatus(errno, absl::StrCat("cannot write '", path, "'"));
    data.remove_prefix(written);
  }
  return absl::OkStatus();
}

// Everything but renaming. Gives the rows written.
absl::StatusOr<uint64_t> WriteContent(const Table& table, const std::string& path,
                                      const std::string& shard_id) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return process::ErrnoStatus(errno, absl::StrCat("cannot create '", path, "'"));
  const absl::Cleanup close_file = [file] { close(file); };
  Table::Snapshot snapshot = table.TakeSnapshot();
  std::string encoded;
  {
    v1::StorageRecord head;
    head.mutable_checkpoint_head()->set_shard_id(shard_id);
    head.mutable_checkpoint_head()->set_next_cursor(snapshot.next_cursor);
    *head.mutable_checkpoint_head()->mutable_state() = std::move(snapshot.state);
    EncodeRecord(head, 0, encoded);
  }
  const auto piece_rows =
      static_cast<uint32_t>(std::max<size_t>(1, kPieceBytes / table.schema().row_bytes()));
  uint64_t rows = 0;
  uint64_t cursor = snapshot.first_cursor;
  v1::StorageRecord record;
  while (true) {
    ESTUARY_RETURN_IF_ERROR(WriteAll(file, encoded, path));
    encoded.clear();
    if (cursor >= snapshot.next_cursor) break;
    const uint64_t left = std::min<uint64_t>(snapshot.next_cursor - cursor, piece_rows);
    ESTUARY_ASSIGN_OR_RETURN(
        const Table::LogRead read,
        table.ReadToStore(cursor, static_cast<uint32_t>(left), *record.mutable_block()));
    // The ring may have overtaken us, even beyond the snapshot's end.
    if (read.cursor >= snapshot.next_cursor || read.rows == 0) break;
    if (read.cursor + read.rows > snapshot.next_cursor) {
      cursor = read.cursor;
      continue;
    }
    record.mutable_block()->set_cursor(read.cursor);
    EncodeRecord(record, 0, encoded);
    rows += read.rows;
    cursor = read.cursor + read.rows;
  }
  record.mutable_checkpoint_end()->set_rows(rows);
  EncodeRecord(record, 0, encoded);
  ESTUARY_RETURN_IF_ERROR(WriteAll(file, encoded, path));
  if (fdatasync(file) != 0) {
    return process::ErrnoStatus(errno, absl::StrCat("cannot sync '", path, "'"));
  }
  return rows;
}

absl::Status Damaged(const std::string& path, size_t offset) {
  return absl::DataLossError(
      absl::StrCat("checkpoint '", path, "' is damaged or cut off at offset ", offset));
}

// Checks the whole file, calling `use` with every record where it is given.
absl::StatusOr<uint64_t> Walk(const std::string& path, const std::string& content,
                              const std::string& shard_id,
                              const std::function<absl::Status(const v1::StorageRecord&)>& use) {
  size_t offset = 0;
  uint64_t rows = 0;
  while (true) {
    const std::optional<DecodedRecord> decoded = DecodeRecord(content, offset);
    if (!decoded) return Damaged(path, offset);
    const v1::StorageRecord& record = decoded->record;
    if (record.has_checkpoint_head() != (offset == 0)) return Damaged(path, offset);
    if (offset == 0 && record.checkpoint_head().shard_id() != shard_id) {
      return absl::DataLossError(absl::StrCat("checkpoint '", path, "' belongs to shard ",
                                              record.checkpoint_head().shard_id(), ", this is ",
                                              shard_id, "; was a data folder copied?"));
    }
    if (record.has_checkpoint_end()) {
      if (record.checkpoint_end().rows() != rows) return Damaged(path, offset);
      return rows;
    }
    if (record.has_block()) rows += record.block().block().rows();
    if (use != nullptr) ESTUARY_RETURN_IF_ERROR(use(record));
    offset += decoded->bytes;
  }
}

absl::StatusOr<uint64_t> ReadOne(Table& table, const std::string& path,
                                 const std::string& shard_id) {
  ESTUARY_ASSIGN_OR_RETURN(const std::string content, process::ReadFile(path));
  // The table is touched only once the whole file is known to be good.
  ESTUARY_RETURN_IF_ERROR(Walk(path, content, shard_id, nullptr).status());
  v1::CheckpointHead head;
  bool restored = false;
  const auto restore = [&](uint64_t cursor) -> absl::Status {
    if (restored) return absl::OkStatus();
    restored = true;
    return process::Annotate(table.Restore(head.state(), cursor), absl::StrCat("'", path, "'"));
  };
  const auto use = [&](const v1::StorageRecord& record) -> absl::Status {
    if (record.has_checkpoint_head()) {
      head = record.checkpoint_head();
      return absl::OkStatus();
    }
    const v1::StoredBlock& block = record.block();
    ESTUARY_RETURN_IF_ERROR(restore(block.cursor()));
    ESTUARY_RETURN_IF_ERROR(transition::CheckBlock(table.schema(), block.block(),
                                                   block.block().rows(), /*check_finite=*/false));
    return table.RestoreBlock(block, /*replay=*/false);
  };
  ESTUARY_ASSIGN_OR_RETURN(const uint64_t rows, Walk(path, content, shard_id, use));
  ESTUARY_RETURN_IF_ERROR(restore(head.next_cursor()));
  return rows;
}

}  // namespace

absl::StatusOr<CheckpointInfo> WriteCheckpoint(const Table& table, const std::string& folder,
                                               const std::string& shard_id) {
  ESTUARY_RETURN_IF_ERROR(process::CreateDirectories(folder));
  ESTUARY_ASSIGN_OR_RETURN(const std::vector<Found> before, List(folder));
  const uint64_t number = before.empty() ? 1 : before.front().number + 1;
  CheckpointInfo info;
  info.path = absl::StrFormat("%s/%09u%s", folder, number, kSuffix);
  const std::string temporary = absl::StrCat(info.path, ".tmp");
  absl::StatusOr<uint64_t> rows = WriteContent(table, temporary, shard_id);
  if (!rows.ok()) {
    unlink(temporary.c_str());
    return rows.status();
  }
  if (rename(temporary.c_str(), info.path.c_str()) != 0) {
    return process::ErrnoStatus(errno, absl::StrCat("cannot rename '", temporary, "'"));
  }
  ESTUARY_RETURN_IF_ERROR(process::SyncDirectory(folder));
  info.rows = *rows;
  for (size_t i = kKept - 1; i < before.size(); ++i) unlink(before[i].path.c_str());
  return info;
}

absl::StatusOr<CheckpointInfo> ReadCheckpoint(Table& table, const std::string& folder,
                                              const std::string& shard_id) {
  ESTUARY_RETURN_IF_ERROR(process::CreateDirectories(folder));
  ESTUARY_ASSIGN_OR_RETURN(const std::vector<Found> found, List(folder));
  for (const Found& one : found) {
    const absl::StatusOr<uint64_t> rows = ReadOne(table, one.path, shard_id);
    if (rows.ok()) return CheckpointInfo{.path = one.path, .rows = *rows};
    if (rows.status().code() != absl::StatusCode::kDataLoss) return rows.status();
    spdlog::error("{}; trying the one before", std::string(rows.status().message()));
  }
  if (found.empty()) return CheckpointInfo{};
  return absl::DataLossError(
      absl::StrCat("no checkpoint in '", folder,
                   "' is good; restore one from a copy, or remove the folder to "
                   "start table '",
                   table.name(), "' empty"));
}

}  // namespace estuary::replay
