#include "replay_server/segment_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/process/files.h"
#include "common/process/log.h"
#include "common/process/status.h"
#include "replay_server/record.h"

namespace estuary::replay {
namespace {

constexpr char kMarkName[] = "mark";
// Memory of an unusually large batch is not kept.
constexpr size_t kKeptBatchBytes = 8 << 20;

}  // namespace

SegmentLog::~SegmentLog() {
  if (file_ >= 0) close(file_);
  if (mark_file_ >= 0) close(mark_file_);
}

void SegmentLog::Add(const v1::StorageRecord& record) {
  EncodeRecord(record, committed_, batch_);
  added_cursor_ = record.block().cursor() + record.block().block().rows();
}

bool SegmentLog::wants_roll() const { return file_ < 0 || committed_ >= options_.segment_bytes; }

absl::Status SegmentLog::WriteAll(absl::string_view data) {
  uint64_t at = committed_;
  while (!data.empty()) {
    const ssize_t written = pwrite(file_, data.data(), data.size(), static_cast<off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      return process::ErrnoStatus(errno,
                                  absl::StrCat("cannot write '", segments_.back().path, "'"));
    }
    at += written;
    data.remove_prefix(written);
  }
  if (fdatasync(file_) != 0) {
    return process::ErrnoStatus(errno, absl::StrCat("cannot sync '", segments_.back().path, "'"));
  }
  ++syncs_;
  committed_ = at;
  return absl::OkStatus();
}

absl::Status SegmentLog::Append() {
  absl::Status status = WriteAll(batch_);
  if (batch_.capacity() > kKeptBatchBytes) std::string().swap(batch_);
  batch_.clear();
  if (!status.ok()) {
    CutBack();
    return status;
  }
  next_cursor_ = added_cursor_;
  WriteMark();
  return absl::OkStatus();
}

void SegmentLog::WriteMark() {
  mark_.set_first_cursor(segments_.back().first_cursor);
  mark_.set_committed_bytes(committed_);
  mark_.set_next_cursor(next_cursor_);
  v1::StorageRecord record;
  *record.mutable_commit_mark() = mark_;
  std::string encoded;
  EncodeRecord(record, 0, encoded);
  mark_sealed_ = false;
  const ssize_t written = pwrite(mark_file_, encoded.data(), encoded.size(), 0);
  if (written == static_cast<ssize_t>(encoded.size())) return;
  // The rows are safe. The old mark says less, and a half-written one nothing.
  spdlog::warn("cannot write '{}/{}'", options_.folder, kMarkName);
}

absl::Status SegmentLog::SealMark() {
  if (mark_sealed_) return absl::OkStatus();
  mark_sealed_ = true;
  if (fdatasync(mark_file_) == 0) return absl::OkStatus();
  return process::ErrnoStatus(errno,
                              absl::StrCat("cannot sync '", options_.folder, "/", kMarkName, "'"));
}

void SegmentLog::CutBack() {
  if (ftruncate(file_, static_cast<off_t>(committed_)) == 0 && fdatasync(file_) == 0) return;
  // What the disk holds is unknown now. The next append begins a new segment; this one's end, if it
  // is read again, is torn and not acknowledged.
  spdlog::error("cannot cut '{}' back to {} bytes; going on in a new segment",
                segments_.back().path, committed_);
  close(file_);
  file_ = -1;
}

absl::Status SegmentLog::OpenMark() {
  const std::string path = absl::StrCat(options_.folder, "/", kMarkName);
  mark_file_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (mark_file_ < 0) return process::ErrnoStatus(errno, absl::StrCat("cannot open '", path, "'"));
  ESTUARY_ASSIGN_OR_RETURN(const std::string content, process::ReadFile(path));
  if (content.empty()) return absl::OkStatus();
  const std::optional<DecodedRecord> decoded = DecodeRecord(content, 0);
  if (decoded && decoded->record.has_commit_mark()) {
    mark_ = decoded->record.commit_mark();
  } else {
    spdlog::warn("'{}' cannot be read; a bad record at the log's end is taken for a torn write",
                 path);
  }
  return absl::OkStatus();
}

absl::Status SegmentLog::Roll(const v1::SegmentHead& head) {
  Segment segment = {.path = absl::StrFormat("%s/%020u.segment", options_.folder, head.cursor()),
                     .first_cursor = head.cursor()};
  const bool same = !segments_.empty() && segments_.back().path == segment.path;
  const int file = open(segment.path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) {
    return process::ErrnoStatus(errno, absl::StrCat("cannot create '", segment.path, "'"));
  }
  if (file_ >= 0) close(file_);
  file_ = file;
  committed_ = 0;
  if (!same) segments_.push_back(segment);
  v1::StorageRecord record;
  *record.mutable_segment_head() = head;
  record.mutable_segment_head()->set_shard_id(options_.shard_id);
  std::string encoded;
  EncodeRecord(record, 0, encoded);
  absl::Status status = WriteAll(encoded);
  if (status.ok()) status = process::SyncDirectory(options_.folder);
  if (!status.ok()) {
    // A segment without a head would look like damage once there is a newer one.
    unlink(segments_.back().path.c_str());
    segments_.pop_back();
    close(file_);
    file_ = -1;
  }
  return status;
}

void SegmentLog::RemoveBefore(uint64_t first_cursor) {
  while (segments_.size() > 1 && segments_[1].first_cursor <= first_cursor) {
    if (unlink(segments_.front().path.c_str()) != 0) {
      spdlog::warn("cannot remove '{}'", segments_.front().path);
    }
    segments_.erase(segments_.begin());
  }
}

}  // namespace estuary::replay
