// Writing a protobuf message by hand into memory of ours: large messages are put together in place,
// column by column out of the table's memory, where a generated class would copy every column twice
// more. What it writes is what the generated class would, in any order of fields.
//
// Sizes first (the functions that end in Size), then the fields, into exactly as much memory. Field
// numbers are 1 to 15.
#pragma once

#include <google/protobuf/io/coded_stream.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace estuary::replay {

class WireWriter {
 public:
  explicit WireWriter(char* to) : at_(reinterpret_cast<uint8_t*>(to)) {}

  static size_t VarintSize(uint64_t value) { return 1 + Coded::VarintSize64(value); }
  static size_t DoubleSize() { return 1 + sizeof(double); }
  // A string, bytes, a message, or packed numbers of so many bytes.
  static size_t BytesSize(size_t bytes) { return 1 + Coded::VarintSize64(bytes) + bytes; }
  // Of packed varints, without what BytesSize adds.
  static size_t PackedSize(absl::Span<const uint64_t> values) {
    size_t bytes = 0;
    for (const uint64_t value : values) bytes += Coded::VarintSize64(value);
    return bytes;
  }

  void Varint(int field, uint64_t value) {
    Tag(field, 0);
    at_ = Coded::WriteVarint64ToArray(value, at_);
  }
  void Double(int field, double value) {
    Tag(field, 1);
    Raw(&value, sizeof(value));
  }
  void Bytes(int field, absl::string_view bytes) {
    Open(field, bytes.size());
    Raw(bytes.data(), bytes.size());
  }
  void Packed(int field, absl::Span<const uint64_t> values, size_t packed_size) {
    Open(field, packed_size);
    for (const uint64_t value : values) at_ = Coded::WriteVarint64ToArray(value, at_);
  }
  void Packed(int field, absl::Span<const double> values) {
    Open(field, values.size() * sizeof(double));
    Raw(values.data(), values.size() * sizeof(double));
  }
  // Begins a field of so many bytes, which come next.
  void Open(int field, size_t bytes) {
    Tag(field, 2);
    at_ = Coded::WriteVarint64ToArray(bytes, at_);
  }
  // The place of the next so many bytes, for the caller to fill.
  char* Skip(size_t bytes) {
    char* place = reinterpret_cast<char*>(at_);
    at_ += bytes;
    return place;
  }

  const char* end() const { return reinterpret_cast<const char*>(at_); }

 private:
  using Coded = google::protobuf::io::CodedOutputStream;

  void Tag(int field, int type) { *at_++ = static_cast<uint8_t>(field << 3 | type); }
  void Raw(const void* from, size_t bytes) {
    if (bytes > 0) std::memcpy(at_, from, bytes);
    at_ += bytes;
  }

  uint8_t* at_;
};

}  // namespace estuary::replay
