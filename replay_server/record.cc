#include "replay_server/record.h"

#include <cstring>

#include "common/process/crc32c.h"

namespace estuary::replay {
namespace {

constexpr uint32_t kMagic = 0x52545345;  // "ESTR"
constexpr size_t kAlignment = 8;

struct Header {
  uint32_t magic = kMagic;
  uint32_t payload_bytes = 0;
  uint64_t committed = 0;
  uint32_t crc = 0;
  uint32_t zero = 0;
};
static_assert(sizeof(Header) == kRecordHeaderBytes);

size_t Padded(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

uint32_t Checksum(Header header, absl::string_view payload) {
  header.crc = 0;
  return process::Crc32c(payload,
                         process::Crc32c({reinterpret_cast<const char*>(&header), sizeof(header)}));
}

// The payload of the good record at `offset`.
std::optional<absl::string_view> Payload(absl::string_view file, size_t offset, Header& header) {
  if (offset + sizeof(Header) > file.size()) return std::nullopt;
  std::memcpy(&header, file.data() + offset, sizeof(header));
  if (header.magic != kMagic || header.payload_bytes > kMaxRecordBytes) return std::nullopt;
  if (offset + sizeof(Header) + Padded(header.payload_bytes) > file.size()) return std::nullopt;
  const absl::string_view payload = file.substr(offset + sizeof(Header), header.payload_bytes);
  if (Checksum(header, payload) != header.crc) return std::nullopt;
  return payload;
}

}  // namespace

void EncodeRecord(const v1::StorageRecord& record, uint64_t committed, std::string& out) {
  const size_t start = out.size();
  out.resize(start + sizeof(Header));
  record.AppendToString(&out);
  Header header;
  header.payload_bytes = static_cast<uint32_t>(out.size() - start - sizeof(Header));
  header.committed = committed;
  header.crc = Checksum(header, absl::string_view(out).substr(start + sizeof(Header)));
  std::memcpy(out.data() + start, &header, sizeof(header));
  out.resize(start + sizeof(Header) + Padded(header.payload_bytes));
}

std::optional<DecodedRecord> DecodeRecord(absl::string_view file, size_t offset) {
  Header header;
  const std::optional<absl::string_view> payload = Payload(file, offset, header);
  if (!payload) return std::nullopt;
  DecodedRecord decoded;
  if (!decoded.record.ParseFromArray(payload->data(), static_cast<int>(payload->size()))) {
    return std::nullopt;
  }
  decoded.committed = header.committed;
  decoded.bytes = sizeof(Header) + Padded(payload->size());
  return decoded;
}

std::optional<size_t> FindRecord(absl::string_view file, size_t offset) {
  // Records begin at multiples of the alignment.
  Header header;
  for (size_t at = Padded(offset + 1); at + sizeof(Header) <= file.size(); at += kAlignment) {
    if (Payload(file, at, header)) return at;
  }
  return std::nullopt;
}

}  // namespace estuary::replay
