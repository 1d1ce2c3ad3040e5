#include "robot_bridge/spool/spool.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/process/files.h"
#include "common/process/log.h"
#include "common/process/status.h"
#include "robot_bridge/loop/clock.h"

namespace estuary::bridge {
namespace {

constexpr char kOriginFile[] = "origin";
constexpr int64_t kMarkEvery = kSecond;

uint32_t EpisodeOf(const transition::Schema& schema, const char* row) {
  size_t offset = 0;
  for (int i = 0; i < transition::kEpisode; ++i) offset += schema.column_bytes(i);
  uint32_t episode = 0;
  std::memcpy(&episode, row + offset, sizeof(episode));
  return episode;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Spool>> Spool::Open(const Options& options,
                                                   const transition::Schema& schema) {
  ESTUARY_RETURN_IF_ERROR(process::CreateDirectories(options.directory));
  auto spool = std::unique_ptr<Spool>(new Spool(options, schema));
  ESTUARY_RETURN_IF_ERROR(spool->Lock());
  ESTUARY_RETURN_IF_ERROR(spool->Recover());
  spool->LookAtDisk();
  return spool;
}

Spool::Spool(const Options& options, const transition::Schema& schema)
    : options_(options),
      segment_bytes_(std::min(options.segment_bytes, options.limit_bytes / 4)),
      schema_(schema) {}

Spool::~Spool() {
  if (lock_fd_ >= 0) close(lock_fd_);
}

absl::Status Spool::Lock() {
  const std::string path = absl::StrCat(options_.directory, "/lock");
  lock_fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock_fd_ < 0) return process::ErrnoStatus(errno, absl::StrCat("cannot open '", path, "'"));
  if (flock(lock_fd_, LOCK_EX | LOCK_NB) != 0) {
    return absl::AlreadyExistsError(absl::StrCat("spool '", options_.directory,
                                                 "' is in use by another bridge; give each robot "
                                                 "its own --spool_dir"));
  }
  return absl::OkStatus();
}

absl::Status Spool::Recover() {
  absl::MutexLock lock(&mutex_);
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(options_.directory, error)) {
    if (entry.path().extension() == ".seg") paths.push_back(entry.path().string());
  }
  if (error) {
    return process::ErrnoStatus(error.value(),
                                absl::StrCat("cannot list '", options_.directory, "'"));
  }
  std::sort(paths.begin(), paths.end());
  for (const std::string& path : paths) {
    ESTUARY_ASSIGN_OR_RETURN(std::shared_ptr<Segment> segment, Segment::Open(path));
    ESTUARY_RETURN_IF_ERROR(CheckSchema(*segment));
    if (!segments_.empty() && segments_.rbegin()->second->next() != segment->first()) {
      return absl::DataLossError(absl::StrCat(
          "spool '", options_.directory, "' has rows up to ", segments_.rbegin()->second->next(),
          ", then '", path, "' goes on at ", segment->first(),
          ": a file is damaged or missing; move the folder away, or give another --spool_dir"));
    }
    segments_[segment->first()] = std::move(segment);
  }
  if (segments_.empty()) {
    ESTUARY_RETURN_IF_ERROR(Roll());
  } else {
    Segment& last = *segments_.rbegin()->second;
    torn_bytes_ = last.torn_bytes();
    if (torn_bytes_ > 0) {
      spdlog::warn("spool '{}': cut {} bytes of a half-written row off '{}'", options_.directory,
                   torn_bytes_, last.path());
    }
    ESTUARY_RETURN_IF_ERROR(last.DropTornTail());
    // Rows that a killed process wrote are in the kernel's hands, not on disk yet.
    ESTUARY_RETURN_IF_ERROR(last.Sync());
    next_episode_ = last.header().first_episode;
    if (last.next() > last.first()) {
      std::string row(schema_.row_bytes(), '\0');
      ESTUARY_RETURN_IF_ERROR(last.Read(last.next() - 1, row.data()));
      next_episode_ = EpisodeOf(schema_, row.data()) + 1;
    }
  }
  synced_ = segments_.rbegin()->second->next();
  acknowledged_ = segments_.begin()->first;
  if (synced_ > acknowledged_) came_.emplace_back(acknowledged_, Now());
  const std::string path = absl::StrCat(options_.directory, "/", kOriginFile);
  if (!std::filesystem::exists(path)) return absl::OkStatus();
  ESTUARY_ASSIGN_OR_RETURN(const std::string text, process::ReadFile(path));
  uint64_t origin = 0;
  if (!absl::SimpleAtoi(text, &origin)) {
    return absl::DataLossError(absl::StrCat("'", path, "' must hold a number, got '", text, "'"));
  }
  origin_ = origin;
  return absl::OkStatus();
}

absl::Status Spool::CheckSchema(const Segment& segment) const {
  v1::TransitionSchema proto;
  if (!proto.ParseFromString(segment.header().schema)) {
    return absl::DataLossError(absl::StrCat("'", segment.path(), "' has no readable schema"));
  }
  ESTUARY_ASSIGN_OR_RETURN(const transition::Schema theirs, transition::Schema::FromProto(proto));
  const absl::Status equal =
      theirs.CheckEqual(schema_, absl::StrCat("spool '", options_.directory, "'"));
  if (!equal.ok()) return process::Annotate(equal, "give another --spool_dir for another task");
  if (segment.header().row_bytes != schema_.row_bytes()) {
    return absl::DataLossError(absl::StrCat("'", segment.path(), "' has rows of ",
                                            segment.header().row_bytes, " bytes, its schema of ",
                                            schema_.row_bytes()));
  }
  return absl::OkStatus();
}

absl::Status Spool::Roll() {
  Segment::Header header;
  header.first_position = segments_.empty() ? 0 : segments_.rbegin()->second->next();
  header.first_episode = next_episode_;
  header.row_bytes = static_cast<uint32_t>(schema_.row_bytes());
  header.schema = schema_.proto().SerializeAsString();
  ESTUARY_ASSIGN_OR_RETURN(std::shared_ptr<Segment> segment,
                           Segment::Create(options_.directory, header));
  segments_[header.first_position] = std::move(segment);
  return absl::OkStatus();
}

absl::Status Spool::Append(const char* rows, uint64_t count, uint32_t last_episode) {
  absl::MutexLock lock(&mutex_);
  const uint64_t added = count * record_bytes();
  if (BytesLocked() + added > options_.limit_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("spool '", options_.directory, "' is full: ", BytesLocked(), " of ",
                     options_.limit_bytes, " bytes wait for the replay; is it running?"));
  }
  if (segments_.rbegin()->second->bytes() >= segment_bytes_) {
    // Only the last segment may have rows that are not durable.
    ESTUARY_RETURN_IF_ERROR(segments_.rbegin()->second->Sync());
    synced_ = segments_.rbegin()->second->next();
    ESTUARY_RETURN_IF_ERROR(Roll());
  }
  ESTUARY_RETURN_IF_ERROR(segments_.rbegin()->second->Append(rows, count));
  next_episode_ = last_episode + 1;
  const int64_t now = Now();
  if (came_.empty() || now - came_.back().second >= kMarkEvery) {
    came_.emplace_back(segments_.rbegin()->second->next() - count, now);
  }
  return absl::OkStatus();
}

void Spool::LookAtDisk() {
  struct statvfs disk {};
  if (statvfs(options_.directory.c_str(), &disk) != 0) return;
  absl::MutexLock lock(&mutex_);
  disk_bytes_ = static_cast<uint64_t>(disk.f_bavail) * disk.f_frsize;
}

absl::Status Spool::Sync() {
  LookAtDisk();
  std::shared_ptr<Segment> last;
  uint64_t end = 0;
  {
    absl::MutexLock lock(&mutex_);
    last = segments_.rbegin()->second;
    end = last->next();
    if (end == synced_) return absl::OkStatus();
  }
  // The disk may be slow, and the reader need not wait for it.
  ESTUARY_RETURN_IF_ERROR(last->Sync());
  absl::MutexLock lock(&mutex_);
  synced_ = std::max(synced_, end);
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> Spool::Read(uint64_t position, uint64_t max_rows,
                                     transition::BlockBuilder& rows) {
  absl::MutexLock lock(&mutex_);
  std::string row(schema_.row_bytes(), '\0');
  uint64_t count = 0;
  while (count < max_rows && position + count < synced_) {
    auto segment = segments_.upper_bound(position + count);
    if (segment == segments_.begin()) {
      return absl::OutOfRangeError(absl::StrCat("row ", position + count,
                                                " has left the spool; the oldest is ",
                                                segments_.begin()->first));
    }
    ESTUARY_RETURN_IF_ERROR(std::prev(segment)->second->Read(position + count, row.data()));
    rows.AddRaw(row.data());
    ++count;
  }
  return count;
}

absl::Status Spool::Acknowledge(uint64_t position) {
  absl::MutexLock lock(&mutex_);
  acknowledged_ = std::max(acknowledged_, std::min(position, synced_));
  while (segments_.size() > 1 && segments_.begin()->second->next() <= acknowledged_) {
    const std::string path = segments_.begin()->second->path();
    if (unlink(path.c_str()) != 0) {
      return process::ErrnoStatus(errno, absl::StrCat("cannot remove '", path, "'"));
    }
    segments_.erase(segments_.begin());
  }
  while (came_.size() > 1 && came_[1].first <= acknowledged_) came_.pop_front();
  if (acknowledged_ == segments_.rbegin()->second->next()) came_.clear();
  return absl::OkStatus();
}

std::optional<uint64_t> Spool::origin() const {
  absl::MutexLock lock(&mutex_);
  return origin_;
}

absl::Status Spool::SetOrigin(uint64_t origin) {
  ESTUARY_RETURN_IF_ERROR(process::WriteFileAtomically(
      absl::StrCat(options_.directory, "/", kOriginFile), absl::StrCat(origin)));
  absl::MutexLock lock(&mutex_);
  origin_ = origin;
  return absl::OkStatus();
}

uint64_t Spool::first() const {
  absl::MutexLock lock(&mutex_);
  return segments_.begin()->first;
}
uint64_t Spool::next() const {
  absl::MutexLock lock(&mutex_);
  return segments_.rbegin()->second->next();
}
uint64_t Spool::synced() const {
  absl::MutexLock lock(&mutex_);
  return synced_;
}
uint64_t Spool::acknowledged() const {
  absl::MutexLock lock(&mutex_);
  return acknowledged_;
}
uint64_t Spool::bytes() const {
  absl::MutexLock lock(&mutex_);
  return BytesLocked();
}
uint64_t Spool::limit() const {
  absl::MutexLock lock(&mutex_);
  return LimitLocked();
}
double Spool::used() const {
  absl::MutexLock lock(&mutex_);
  return static_cast<double>(BytesLocked()) / static_cast<double>(LimitLocked());
}
uint64_t Spool::room() const {
  absl::MutexLock lock(&mutex_);
  const uint64_t bytes = BytesLocked();
  const uint64_t limit = LimitLocked();
  return limit > bytes ? (limit - bytes) / record_bytes() : 0;
}
double Spool::oldest_seconds() const {
  absl::MutexLock lock(&mutex_);
  return came_.empty() ? 0 : 1e-9 * static_cast<double>(Now() - came_.front().second);
}
uint32_t Spool::next_episode() const {
  absl::MutexLock lock(&mutex_);
  return next_episode_;
}

uint64_t Spool::LimitLocked() const {
  return std::min(options_.limit_bytes, BytesLocked() + disk_bytes_);
}

uint64_t Spool::BytesLocked() const {
  uint64_t bytes = 0;
  for (const auto& [first, segment] : segments_) bytes += segment->bytes();
  return bytes;
}

}  // namespace estuary::bridge
