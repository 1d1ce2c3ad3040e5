// Opening a log: reading its segments, cutting off what a crash tore.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/process/files.h"
#include "common/process/log.h"
#include "common/process/status.h"
#include "replay_server/record.h"
#include "replay_server/segment_log.h"

namespace estuary::replay {
namespace {

constexpr char kSuffix[] = ".segment";

// The first good record behind `offset` that was written when the bytes at `offset` had been
// committed: a proof of damage.
std::optional<size_t> FindProof(const std::string& content, size_t offset) {
  std::optional<size_t> found = FindRecord(content, offset);
  while (found) {
    const std::optional<DecodedRecord> record = DecodeRecord(content, *found);
    if (record && record->committed > offset) return found;
    found = FindRecord(content, *found);
  }
  return std::nullopt;
}

// How many rows came before the segment's first, ever.
uint64_t FirstRow(const v1::SegmentHead& head) {
  if (head.state().runs().empty()) return head.cursor();
  const v1::TableState::Run& run = *head.state().runs().rbegin();
  return run.row() + (head.cursor() - run.cursor());
}

}  // namespace

absl::StatusOr<std::unique_ptr<SegmentLog>> SegmentLog::Open(Options options,
                                                             const Reader& reader) {
  ESTUARY_RETURN_IF_ERROR(process::CreateDirectories(options.folder));
  auto log = std::unique_ptr<SegmentLog>(new SegmentLog(std::move(options)));
  ESTUARY_RETURN_IF_ERROR(log->OpenMark());
  ESTUARY_RETURN_IF_ERROR(log->ReadSegments(reader));
  ESTUARY_RETURN_IF_ERROR(log->CheckMarked());
  // What was read is served from now on. What was cut off may have been all that proved the damage
  // before it: without the mark, the next start would take that for a torn end, and rows with it.
  if (log->committed_ > 0) {
    log->WriteMark();
    ESTUARY_RETURN_IF_ERROR(log->SealMark());
  }
  return log;
}

absl::Status SegmentLog::ReadSegments(const Reader& reader) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(options_.folder, error)) {
    const std::string name = entry.path().filename().string();
    if (!absl::EndsWith(name, kSuffix)) continue;
    Segment segment = {.path = entry.path().string(), .first_cursor = 0};
    if (!absl::SimpleAtoi(absl::string_view(name).substr(0, name.size() - sizeof(kSuffix) + 1),
                          &segment.first_cursor)) {
      return absl::DataLossError(
          absl::StrCat("'", segment.path, "' is not named as a segment of a log is"));
    }
    segments_.push_back(std::move(segment));
  }
  if (error) {
    return process::ErrnoStatus(error.value(),
                                absl::StrCat("cannot read folder '", options_.folder, "'"));
  }
  std::sort(segments_.begin(), segments_.end(),
            [](const Segment& a, const Segment& b) { return a.first_cursor < b.first_cursor; });
  for (size_t i = 0; i < segments_.size(); ++i) {
    const bool newest = i + 1 == segments_.size();
    ESTUARY_ASSIGN_OR_RETURN(const uint64_t good,
                             ReadSegment(segments_[i], newest, i == 0, reader));
    if (!newest) {
      committed_ = good;
      continue;
    }
    if (good == 0) {
      // Its creation was cut off; nothing was in it. The one before it is the newest now.
      unlink(segments_.back().path.c_str());
      segments_.pop_back();
      return process::SyncDirectory(options_.folder);
    }
    file_ = open(segments_.back().path.c_str(), O_RDWR | O_CLOEXEC);
    if (file_ < 0 || ftruncate(file_, static_cast<off_t>(good)) != 0 || fdatasync(file_) != 0) {
      return process::ErrnoStatus(
          errno, absl::StrCat("cannot open '", segments_.back().path, "' for writing"));
    }
    committed_ = good;
  }
  return absl::OkStatus();
}

uint64_t SegmentLog::MarkedBytes(const Segment& segment) const {
  return mark_.first_cursor() == segment.first_cursor ? mark_.committed_bytes() : 0;
}

absl::Status SegmentLog::CheckMarked() {
  if (mark_.next_cursor() <= next_cursor_) return absl::OkStatus();
  const std::string loss =
      absl::StrCat("the log in '", options_.folder, "' ends at position ", next_cursor_,
                   ", but was acknowledged up to ", mark_.next_cursor(), ": ",
                   mark_.next_cursor() - next_cursor_, " rows are missing at its end");
  if (!options_.salvage) {
    return absl::DataLossError(
        absl::StrCat(loss,
                     "; restore the missing segment from a copy, or start with --salvage to "
                     "go on without them"));
  }
  spdlog::error("salvaging; {} and lost", loss);
  // Their positions were seen: new rows get others, behind a head that says so.
  next_cursor_ = mark_.next_cursor();
  if (file_ >= 0) close(file_);
  file_ = -1;
  return absl::OkStatus();
}

bool SegmentLog::JumpedOnPurpose(const v1::SegmentHead& head) const {
  if (head.state().runs().empty() || head.cursor() < next_cursor_) return false;
  const v1::TableState::Run& run = *head.state().runs().rbegin();
  return run.cursor() == head.cursor() && run.row() == next_row_;
}

absl::Status SegmentLog::CheckCursor(const Segment& segment, uint64_t cursor) const {
  if (cursor == next_cursor_ || (options_.salvage && cursor > next_cursor_)) {
    return absl::OkStatus();
  }
  return absl::DataLossError(
      absl::StrCat("'", segment.path, "' goes on at position ", cursor,
                   ", but the log before it ends at ", next_cursor_,
                   ": restore the missing segment from a copy, or start with --salvage "
                   "to go on with the rows that can be read"));
}

absl::StatusOr<uint64_t> SegmentLog::ReadSegment(const Segment& segment, bool newest, bool oldest,
                                                 const Reader& reader) {
  ESTUARY_ASSIGN_OR_RETURN(const std::string content, process::ReadFile(segment.path));
  size_t offset = 0;
  bool has_head = false;
  while (offset < content.size()) {
    std::optional<DecodedRecord> decoded = DecodeRecord(content, offset);
    if (!decoded) {
      const std::optional<size_t> proof = FindProof(content, offset);
      const bool acknowledged = proof || offset < MarkedBytes(segment);
      if (newest && !acknowledged) {
        spdlog::warn("'{}': cutting off {} bytes behind offset {} that a crash left unfinished",
                     segment.path, content.size() - offset, offset);
        break;
      }
      if (!newest && !FindRecord(content, offset)) {
        // A segment that was given up after a failed write has a torn end like the newest; whether
        // rows are missing shows where the next one begins.
        break;
      }
      if (!options_.salvage) {
        const std::string what =
            FindRecord(content, offset)
                ? absl::StrCat("good records follow at ", *FindRecord(content, offset))
                : absl::StrCat("rows from position ", next_cursor_, " to ", mark_.next_cursor(),
                               " were acknowledged and cannot be read");
        return absl::DataLossError(absl::StrCat(
            "'", segment.path, "' is damaged at offset ", offset, " (", what,
            "): restore the file from a copy, or start with --salvage to go on with the rows that "
            "can be read"));
      }
      const size_t next = FindRecord(content, offset).value_or(content.size());
      spdlog::error("'{}': salvaging; {} bytes at offset {} are damaged and lost", segment.path,
                    next - offset, offset);
      offset = next;
      continue;
    }
    if (decoded->record.has_segment_head()) {
      const v1::SegmentHead& head = decoded->record.segment_head();
      if (head.shard_id() != options_.shard_id) {
        return absl::DataLossError(absl::StrCat("'", segment.path, "' belongs to shard ",
                                                head.shard_id(), ", this is ", options_.shard_id,
                                                "; was a data folder copied?"));
      }
      has_head = true;
      if (oldest) {
        next_cursor_ = head.cursor();
        next_row_ = FirstRow(head);
        ESTUARY_RETURN_IF_ERROR(reader.head(head));
      } else if (reader.later_head != nullptr) {
        reader.later_head(head);
      }
      if (!JumpedOnPurpose(head)) ESTUARY_RETURN_IF_ERROR(CheckCursor(segment, head.cursor()));
      next_cursor_ = head.cursor();
    } else if (decoded->record.has_block() && (has_head || options_.salvage)) {
      const v1::StoredBlock& block = decoded->record.block();
      ESTUARY_RETURN_IF_ERROR(CheckCursor(segment, block.cursor()));
      next_cursor_ = block.cursor() + block.block().rows();
      next_row_ += block.block().rows();
      ESTUARY_RETURN_IF_ERROR(
          process::Annotate(reader.block(decoded->record.block()),
                            absl::StrCat("'", segment.path, "' at offset ", offset)));
    } else {
      return absl::DataLossError(
          absl::StrCat("'", segment.path, "' is not a log segment (at offset ", offset, ")"));
    }
    offset += decoded->bytes;
  }
  return offset;
}

}  // namespace estuary::replay
