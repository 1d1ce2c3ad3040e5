#include "robot_bridge/spool/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/process/crc32c.h"
#include "common/process/files.h"
#include "common/process/status.h"

namespace estuary::bridge {
namespace {

// When a file is opened.
constexpr uint64_t kBytesAtOnce = 1 << 20;

constexpr uint64_t kMagic = 0x314c4f4f50535445;  // "ETSPOOL1"

struct FixedHeader {
  uint64_t magic;
  uint64_t first_position;
  uint32_t first_episode;
  uint32_t row_bytes;
  uint32_t schema_bytes;
  // Over everything before it, then the schema.
  uint32_t crc;
};
static_assert(sizeof(FixedHeader) == 32);

uint32_t HeaderCrc(const FixedHeader& fixed, const std::string& schema) {
  return process::Crc32c(
      schema, process::Crc32c({reinterpret_cast<const char*>(&fixed), offsetof(FixedHeader, crc)}));
}

absl::Status WriteAll(int fd, const std::string& data, uint64_t offset, const std::string& path) {
  size_t written = 0;
  while (written < data.size()) {
    const ssize_t count = pwrite(fd, data.data() + written, data.size() - written,
                                 static_cast<off_t>(offset + written));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return process::ErrnoStatus(errno, absl::StrCat("cannot write '", path, "'"));
    written += static_cast<size_t>(count);
  }
  return absl::OkStatus();
}

// Bytes that are there, up to `size`.
absl::StatusOr<size_t> ReadUpTo(int fd, char* data, size_t size, uint64_t offset,
                                const std::string& path) {
  size_t have = 0;
  while (have < size) {
    const ssize_t count = pread(fd, data + have, size - have, static_cast<off_t>(offset + have));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return process::ErrnoStatus(errno, absl::StrCat("cannot read '", path, "'"));
    if (count == 0) break;
    have += static_cast<size_t>(count);
  }
  return have;
}

}  // namespace

std::string Segment::FileName(uint64_t first_position) {
  return absl::StrFormat("%020d.seg", first_position);
}

absl::StatusOr<std::unique_ptr<Segment>> Segment::Create(const std::string& directory,
                                                         const Header& header) {
  FixedHeader fixed{};
  fixed.magic = kMagic;
  fixed.first_position = header.first_position;
  fixed.first_episode = header.first_episode;
  fixed.row_bytes = header.row_bytes;
  fixed.schema_bytes = static_cast<uint32_t>(header.schema.size());
  fixed.crc = HeaderCrc(fixed, header.schema);
  const std::string path = absl::StrCat(directory, "/", FileName(header.first_position));
  ESTUARY_RETURN_IF_ERROR(process::WriteFileAtomically(
      path, absl::StrCat(absl::string_view(reinterpret_cast<const char*>(&fixed), sizeof(fixed)),
                         header.schema)));
  return Open(path);
}

absl::StatusOr<std::unique_ptr<Segment>> Segment::Open(const std::string& path) {
  auto segment = std::unique_ptr<Segment>(new Segment());
  segment->path_ = path;
  segment->fd_ = open(path.c_str(), O_RDWR | O_CLOEXEC);
  struct stat info {};
  if (segment->fd_ < 0 || fstat(segment->fd_, &info) != 0) {
    return process::ErrnoStatus(errno, absl::StrCat("cannot open '", path, "'"));
  }
  const auto file_bytes = static_cast<uint64_t>(info.st_size);
  const auto bad = [&path](const std::string& what) {
    return absl::DataLossError(absl::StrCat("'", path, "' is not a spool segment: ", what,
                                            "; move the folder away, or give another --spool_dir"));
  };
  FixedHeader fixed{};
  absl::StatusOr<size_t> have =
      ReadUpTo(segment->fd_, reinterpret_cast<char*>(&fixed), sizeof(fixed), 0, path);
  if (!have.ok()) return have.status();
  if (*have < sizeof(fixed)) return bad(absl::StrCat("it has only ", *have, " bytes"));
  if (fixed.magic != kMagic) return bad("it does not begin with ETSPOOL1");
  if (fixed.schema_bytes > file_bytes) return bad("its header is longer than the file");
  Header& header = segment->header_;
  header.schema.resize(fixed.schema_bytes);
  have = ReadUpTo(segment->fd_, header.schema.data(), header.schema.size(), sizeof(fixed), path);
  if (!have.ok()) return have.status();
  if (*have < header.schema.size() || HeaderCrc(fixed, header.schema) != fixed.crc ||
      fixed.row_bytes == 0) {
    return bad("its header's CRC is wrong");
  }
  header.first_position = fixed.first_position;
  header.first_episode = fixed.first_episode;
  header.row_bytes = fixed.row_bytes;
  segment->header_bytes_ = sizeof(fixed) + fixed.schema_bytes;
  segment->FindEnd(file_bytes);
  return segment;
}

Segment::~Segment() {
  if (fd_ >= 0) close(fd_);
}

void Segment::FindEnd(uint64_t file_bytes) {
  const uint64_t whole = (file_bytes - header_bytes_) / record_bytes();
  const uint64_t at_once = std::max<uint64_t>(1, kBytesAtOnce / record_bytes());
  std::string records;
  for (bool good = true; good && rows_ < whole;) {
    records.resize(std::min(at_once, whole - rows_) * record_bytes());
    const absl::StatusOr<size_t> have =
        ReadUpTo(fd_, records.data(), records.size(), bytes(), path_);
    good = have.ok() && *have == records.size();
    for (size_t at = 0; good && at < records.size(); at += record_bytes()) {
      good = IsRecord(next(), records.data() + at);
      if (good) ++rows_;
    }
  }
  torn_bytes_ = file_bytes - bytes();
}

bool Segment::IsRecord(uint64_t position, const char* record) const {
  uint32_t crc = 0;
  std::memcpy(&crc, record, sizeof(crc));
  return RecordCrc(position, record + sizeof(crc)) == crc;
}

absl::Status Segment::DropTornTail() {
  if (torn_bytes_ == 0) return absl::OkStatus();
  if (ftruncate(fd_, static_cast<off_t>(bytes())) != 0) {
    return process::ErrnoStatus(errno, absl::StrCat("cannot shorten '", path_, "'"));
  }
  torn_bytes_ = 0;
  return Sync();
}

uint32_t Segment::RecordCrc(uint64_t position, const char* row) const {
  return process::Crc32c(
      {row, header_.row_bytes},
      process::Crc32c({reinterpret_cast<const char*>(&position), sizeof(position)}));
}

absl::Status Segment::Append(const char* rows, uint64_t count) {
  buffer_.clear();
  for (uint64_t i = 0; i < count; ++i) {
    const char* row = rows + i * header_.row_bytes;
    const uint32_t crc = RecordCrc(next() + i, row);
    buffer_.append(reinterpret_cast<const char*>(&crc), sizeof(crc));
    buffer_.append(row, header_.row_bytes);
  }
  const absl::Status status = WriteAll(fd_, buffer_, bytes(), path_);
  if (!status.ok()) {
    // Whatever part was written is behind the end that we know, and will be overwritten; cutting it
    // off frees the room, and failing to changes nothing.
    if (ftruncate(fd_, static_cast<off_t>(bytes())) != 0) return status;
    return status;
  }
  rows_ += count;
  return absl::OkStatus();
}

absl::Status Segment::Sync() {
  if (fdatasync(fd_) != 0) {
    return process::ErrnoStatus(errno, absl::StrCat("cannot sync '", path_, "'"));
  }
  return absl::OkStatus();
}

absl::Status Segment::Read(uint64_t position, char* row) const {
  if (position < first() || position >= next()) {
    return absl::OutOfRangeError(absl::StrCat("row ", position, " is not in '", path_,
                                              "', which has ", first(), " to ", next()));
  }
  std::string record(record_bytes(), '\0');
  const absl::StatusOr<size_t> have =
      ReadUpTo(fd_, record.data(), record.size(),
               header_bytes_ + (position - first()) * record_bytes(), path_);
  if (!have.ok()) return have.status();
  if (*have < record.size() || !IsRecord(position, record.data())) {
    return absl::DataLossError(
        absl::StrCat("row ", position, " of '", path_, "' is damaged: its CRC is wrong"));
  }
  std::memcpy(row, record.data() + sizeof(uint32_t), header_.row_bytes);
  return absl::OkStatus();
}

}  // namespace estuary::bridge
