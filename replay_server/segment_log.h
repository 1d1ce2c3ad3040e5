// A durable table's log: files of records in one folder, written at the end only.
//
// A segment is a file named for the position of its first row. It begins with the table's state as
// it was then, so that older segments can be removed where the ring has evicted all their rows.
// Append returns once everything is on the disk (fdatasync); a failure (disk full) takes the file
// back to where it was, and the log goes on.
//
// Opening reads everything. What a crash tore at the end is cut off, which loses nothing that was
// acknowledged; damage before that is DATA_LOSS with file and offset, unless `salvage`: then what
// is readable is kept, and the positions have a gap.
//
// The two are told apart by what was known to be on the disk when something later was written: the
// next record says it (record.h), and for the last one the *mark*, a small file that is written
// after each commit and before anybody is told of it. A killed process leaves the mark as it wrote
// it. A power cut may leave an older one, which accuses nobody falsely; SealMark, when the log is
// idle, puts it on the disk. So only damage to the commits of the last second before a power cut
// can be taken for a torn end.
//
// Not thread-safe: one thread opens, then one appends.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "estuary/v1/replay_storage.pb.h"

namespace estuary::replay {

class SegmentLog {
 public:
  struct Options {
    std::string folder;
    std::string shard_id;
    uint64_t segment_bytes = 64 << 20;
    bool salvage = false;
  };
  // What is read when opening: the first segment's head, then every block in order; between them
  // the other segments' heads, for who wants them.
  struct Reader {
    std::function<absl::Status(const v1::SegmentHead&)> head;
    std::function<absl::Status(const v1::StoredBlock&)> block;
    std::function<void(const v1::SegmentHead&)> later_head = nullptr;
  };

  static absl::StatusOr<std::unique_ptr<SegmentLog>> Open(Options options, const Reader& reader);
  ~SegmentLog();

  // Encodes a record to be written by the next Append. The block is not kept.
  void Add(const v1::StorageRecord& record);
  size_t added_bytes() const { return batch_.size(); }
  // Writes and syncs what was added; on failure it is dropped and the file is as before.
  absl::Status Append();

  // True where the segment is full or there is none: Roll before the next Append.
  bool wants_roll() const;
  absl::Status Roll(const v1::SegmentHead& head);
  // Removes segments that end at or below `first_cursor`; never the newest.
  void RemoveBefore(uint64_t first_cursor);
  // Puts the mark on the disk, where it is not.
  absl::Status SealMark();

  // Where the next row goes on: behind everything that was read, and everything that was marked.
  uint64_t next_cursor() const { return next_cursor_; }
  uint64_t syncs() const { return syncs_; }

 private:
  struct Segment {
    std::string path;
    uint64_t first_cursor = 0;
  };

  explicit SegmentLog(Options options) : options_(std::move(options)) {}

  absl::Status ReadSegments(const Reader& reader);
  // Gives the bytes of the segment that are good; 0 where not even the head is.
  absl::StatusOr<uint64_t> ReadSegment(const Segment& segment, bool newest, bool oldest,
                                       const Reader& reader);
  // Rows follow one another without a gap.
  absl::Status CheckCursor(const Segment& segment, uint64_t cursor) const;
  // The table's state says that positions jumped between the rows read and this head's.
  bool JumpedOnPurpose(const v1::SegmentHead& head) const;
  absl::Status WriteAll(absl::string_view data);
  // After a failed write: cuts the file back, or gives the segment up.
  void CutBack();
  absl::Status OpenMark();
  void WriteMark();
  // Bytes of the segment that the mark says are on the disk.
  uint64_t MarkedBytes(const Segment& segment) const;
  // OK where everything that was marked was read, or may be given up.
  absl::Status CheckMarked();

  const Options options_;
  std::vector<Segment> segments_;
  int file_ = -1;
  // Bytes of the newest segment that are on the disk.
  uint64_t committed_ = 0;
  std::string batch_;
  // Behind the last row that is on the disk, and the last that was added.
  uint64_t next_cursor_ = 0;
  uint64_t added_cursor_ = 0;
  // While reading: rows ever, so far.
  uint64_t next_row_ = 0;
  int mark_file_ = -1;
  v1::CommitMark mark_;
  bool mark_sealed_ = true;
  uint64_t syncs_ = 0;
};

}  // namespace estuary::replay
