// One file of the spool: a header that is whole or absent, then records of one size, each a row
// with a CRC over its position and its bytes. Row number `first + i` lies at header + i * record
// size, so a torn tail is found by its length or its CRC and cut off.
//
// Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace estuary::bridge {

class Segment {
 public:
  struct Header {
    uint64_t first_position = 0;
    // An episode number that no row of earlier segments has reached.
    uint32_t first_episode = 0;
    uint32_t row_bytes = 0;
    // The schema, serialised.
    std::string schema;
  };

  // "00000000000000000042.seg".
  static std::string FileName(uint64_t first_position);

  // A new file, its header on disk when this returns.
  static absl::StatusOr<std::unique_ptr<Segment>> Create(const std::string& directory,
                                                         const Header& header);
  // Reads the header and finds the last good record. DATA_LOSS names a header that is not one.
  static absl::StatusOr<std::unique_ptr<Segment>> Open(const std::string& path);
  ~Segment();

  const std::string& path() const { return path_; }
  const Header& header() const { return header_; }
  uint64_t first() const { return header_.first_position; }
  // One past the last row.
  uint64_t next() const { return header_.first_position + rows_; }
  uint64_t bytes() const { return header_bytes_ + rows_ * record_bytes(); }
  // What was found behind the last good record, when it was opened.
  uint64_t torn_bytes() const { return torn_bytes_; }

  // Cuts the torn tail off the file.
  absl::Status DropTornTail();

  // Writes `count` rows behind the last one. On failure (a full disk) the file is as it was before.
  absl::Status Append(const char* rows, uint64_t count);
  absl::Status Sync();

  // The row at `position`, of row_bytes bytes. DATA_LOSS where its CRC is wrong.
  absl::Status Read(uint64_t position, char* row) const;

 private:
  Segment() = default;
  uint64_t record_bytes() const { return header_.row_bytes + sizeof(uint32_t); }
  uint32_t RecordCrc(uint64_t position, const char* row) const;
  bool IsRecord(uint64_t position, const char* record) const;
  void FindEnd(uint64_t file_bytes);

  std::string path_;
  Header header_;
  int fd_ = -1;
  uint64_t header_bytes_ = 0;
  uint64_t rows_ = 0;
  uint64_t torn_bytes_ = 0;
  std::string buffer_;
};

}  // namespace estuary::bridge
