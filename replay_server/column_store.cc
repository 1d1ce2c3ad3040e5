#include "replay_server/column_store.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/process/status.h"

namespace estuary::replay {
namespace {

// Columns begin at huge-page borders: random rows would otherwise miss the TLB once a column.
constexpr size_t kAlignment = 2 << 20;

size_t RoundUp(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// Columns of fewer bytes a row share an array.
constexpr size_t kNarrowBytes = 32;

// Bytes a row takes in the shared array.
size_t NarrowBytes(const transition::Schema& schema) {
  size_t bytes = 0;
  for (int i = 0; i < schema.columns(); ++i) {
    if (schema.column_bytes(i) < kNarrowBytes) bytes += schema.column_bytes(i);
  }
  return bytes;
}

// The caches are asked for rows this far ahead of the copy.
constexpr size_t kAhead = 16;

template <size_t kBytes>
void GatherFixed(const char* from, size_t stride, absl::Span<const uint64_t> slots, char* to) {
  for (size_t i = 0; i < slots.size(); ++i) {
    if (i + kAhead < slots.size()) __builtin_prefetch(from + slots[i + kAhead] * stride);
    std::memcpy(to, from + slots[i] * stride, kBytes);
    to += kBytes;
  }
}

// Rows are some tens of bytes: a call of memcpy costs more than the copy.
inline void CopyRow(char* to, const char* from, size_t bytes) {
  for (; bytes >= 16; bytes -= 16, to += 16, from += 16) std::memcpy(to, from, 16);
  for (; bytes >= 4; bytes -= 4, to += 4, from += 4) std::memcpy(to, from, 4);
  for (; bytes > 0; --bytes) *to++ = *from++;
}

void GatherColumn(const char* from, size_t bytes, size_t stride, absl::Span<const uint64_t> slots,
                  char* to) {
  switch (bytes) {
    case 1:
      return GatherFixed<1>(from, stride, slots, to);
    case 4:
      return GatherFixed<4>(from, stride, slots, to);
    case 8:
      return GatherFixed<8>(from, stride, slots, to);
    default:
      break;
  }
  for (size_t i = 0; i < slots.size(); ++i) {
    if (i + kAhead < slots.size()) {
      const char* ahead = from + slots[i + kAhead] * stride;
      for (size_t line = 0; line < bytes; line += 64) __builtin_prefetch(ahead + line);
    }
    CopyRow(to, from + slots[i] * stride, bytes);
    to += bytes;
  }
}

// `rows` rows between arrays of these strides.
void CopyRows(char* to, size_t to_stride, const char* from, size_t from_stride, size_t bytes,
              uint64_t rows) {
  if (to_stride == bytes && from_stride == bytes) {
    std::memcpy(to, from, rows * bytes);
    return;
  }
  for (; rows > 0; --rows, to += to_stride, from += from_stride) CopyRow(to, from, bytes);
}

}  // namespace

uint64_t ColumnStore::BytesFor(const transition::Schema& schema, uint64_t capacity) {
  uint64_t bytes = kAlignment + RoundUp(NarrowBytes(schema) * capacity);
  for (int i = 0; i < schema.columns(); ++i) {
    if (schema.column_bytes(i) >= kNarrowBytes) bytes += RoundUp(schema.column_bytes(i) * capacity);
  }
  return bytes;
}

absl::StatusOr<ColumnStore> ColumnStore::Create(const transition::Schema& schema,
                                                uint64_t capacity) {
  ColumnStore store;
  store.capacity_ = capacity;
  const size_t total = BytesFor(schema, capacity);
  void* memory = mmap(nullptr, total, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return process::ErrnoStatus(
        errno, absl::StrCat("cannot reserve ", total, " bytes for ", capacity, " rows"));
  }
  madvise(memory, total, MADV_HUGEPAGE);
  store.memory_ = static_cast<char*>(memory);
  store.memory_bytes_ = total;
  const auto start = reinterpret_cast<size_t>(memory);
  char* next = store.memory_ + (RoundUp(start) - start);
  const size_t narrow_bytes = NarrowBytes(schema);
  char* narrow = next;
  next += RoundUp(narrow_bytes * capacity);
  for (int i = 0; i < schema.columns(); ++i) {
    const size_t bytes = schema.column_bytes(i);
    if (bytes < kNarrowBytes) {
      store.columns_.push_back({.data = narrow, .bytes = bytes, .stride = narrow_bytes});
      narrow += bytes;
    } else {
      store.columns_.push_back({.data = next, .bytes = bytes, .stride = bytes});
      next += RoundUp(bytes * capacity);
    }
  }
  return store;
}

ColumnStore::ColumnStore(ColumnStore&& other) noexcept
    : capacity_(other.capacity_),
      memory_(std::exchange(other.memory_, nullptr)),
      memory_bytes_(other.memory_bytes_),
      columns_(std::move(other.columns_)) {}

ColumnStore::~ColumnStore() {
  if (memory_ != nullptr) munmap(memory_, memory_bytes_);
}

void ColumnStore::Write(uint64_t slot, const v1::TransitionBlock& block, uint32_t first,
                        uint32_t rows) {
  const uint64_t until_end = std::min<uint64_t>(rows, capacity_ - slot);
  for (int i = 0; i < columns(); ++i) {
    const ColumnMemory& column = columns_[i];
    const char* from = block.columns(i).data() + first * column.bytes;
    CopyRows(column.data + slot * column.stride, column.stride, from, column.bytes, column.bytes,
             until_end);
    CopyRows(column.data, column.stride, from + until_end * column.bytes, column.bytes,
             column.bytes, rows - until_end);
  }
}

void ColumnStore::Read(int column, uint64_t slot, uint32_t rows, char* to) const {
  const ColumnMemory& memory = columns_[column];
  const uint64_t until_end = std::min<uint64_t>(rows, capacity_ - slot);
  CopyRows(to, memory.bytes, memory.data + slot * memory.stride, memory.stride, memory.bytes,
           until_end);
  CopyRows(to + until_end * memory.bytes, memory.bytes, memory.data, memory.stride, memory.bytes,
           rows - until_end);
}

void ColumnStore::Read(uint64_t slot, uint32_t rows, v1::TransitionBlock& block) const {
  while (block.columns_size() < columns()) block.add_columns();
  for (int i = 0; i < columns(); ++i) {
    std::string& to = *block.mutable_columns(i);
    to.resize(rows * columns_[i].bytes);
    Read(i, slot, rows, to.data());
  }
  block.set_rows(rows);
}

void ColumnStore::Gather(int column, absl::Span<const uint64_t> slots, char* to) const {
  const ColumnMemory& memory = columns_[column];
  GatherColumn(memory.data, memory.bytes, memory.stride, slots, to);
}

}  // namespace estuary::replay
