// How StorageRecords lie in a file: framed, checksummed, eight-byte aligned.
//
//   u32 magic | u32 payload bytes | u64 committed | u32 CRC-32C of the other fields and the payload
//   | u32 zero | payload | zeros up to a multiple of 8
//
// `committed` is how much of the file was known to be on the disk when the record was written. It
// tells a torn end from a damaged middle: a write that a power cut tore may leave any of its pages,
// so a good record behind a bad one proves nothing by itself; but one that was written after the
// bad one had been committed proves that acknowledged data is damaged.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "estuary/v1/replay_storage.pb.h"

namespace estuary::replay {

inline constexpr size_t kRecordHeaderBytes = 24;
// Blocks are at most 8 MiB; a longer length is damage.
inline constexpr uint32_t kMaxRecordBytes = 32 << 20;

// Appends the framed record to `out`.
void EncodeRecord(const v1::StorageRecord& record, uint64_t committed, std::string& out);

struct DecodedRecord {
  v1::StorageRecord record;
  uint64_t committed = 0;
  // Bytes it takes in the file.
  size_t bytes = 0;
};
// The record at `offset` of a file's content; nothing where none is there whole and undamaged.
std::optional<DecodedRecord> DecodeRecord(absl::string_view file, size_t offset);

// Offset of the next good record behind `offset`; nothing where there is none.
std::optional<size_t> FindRecord(absl::string_view file, size_t offset);

}  // namespace estuary::replay
