// Memory for a fixed number of rows, one array a column: appending and reading are a memcpy a
// column, and no row costs an allocation. Narrow columns (flags, reward, ...) share one array, in
// which a row's values lie together: a row drawn at random costs a cache miss for each place it is
// in, and each of these would be one.
//
// Slots are 0..capacity-1; runs of slots wrap around. Memory is reserved at once and touched when
// used. Not thread-safe; bounds are the caller's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/transition/schema.h"
#include "estuary/v1/transition.pb.h"

namespace estuary::replay {

class ColumnStore {
 public:
  // RESOURCE_EXHAUSTED where the address space or a limit does not allow it.
  static absl::StatusOr<ColumnStore> Create(const transition::Schema& schema, uint64_t capacity);
  // Bytes that it comes to use.
  static uint64_t BytesFor(const transition::Schema& schema, uint64_t capacity);
  ColumnStore(ColumnStore&& other) noexcept;
  ColumnStore& operator=(ColumnStore&&) = delete;
  ~ColumnStore();

  uint64_t capacity() const { return capacity_; }
  int columns() const { return static_cast<int>(columns_.size()); }
  size_t column_bytes(int column) const { return columns_[column].bytes; }

  // Rows [first, first + rows) of a checked block to the slots from `slot` on.
  void Write(uint64_t slot, const v1::TransitionBlock& block, uint32_t first, uint32_t rows);
  // The other way; the block's memory is used again.
  void Read(uint64_t slot, uint32_t rows, v1::TransitionBlock& block) const;
  // One column of the slots from `slot` on, to as many bytes as they have.
  void Read(int column, uint64_t slot, uint32_t rows, char* to) const;
  // One column of rows from anywhere, in the order of `slots`, to as many bytes as they have.
  void Gather(int column, absl::Span<const uint64_t> slots, char* to) const;

 private:
  struct ColumnMemory {
    char* data = nullptr;
    // Of a row's values, and from one row's to the next row's.
    size_t bytes = 0;
    size_t stride = 0;
  };

  ColumnStore() = default;

  uint64_t capacity_ = 0;
  char* memory_ = nullptr;
  size_t memory_bytes_ = 0;
  std::vector<ColumnMemory> columns_;
};

}  // namespace estuary::replay
