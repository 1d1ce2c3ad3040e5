// Rows in columns: building a block, reading one, and refusing one that is not what it says.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "common/transition/schema.h"

namespace estuary::transition {

// One row's standard values, for those who handle rows one by one.
struct Row {
  absl::Span<const float> observation;
  absl::Span<const float> action;
  float reward = 0;
  absl::Span<const float> next_observation;
  bool terminal = false;
  bool truncated = false;
  v1::TransitionSource source = v1::TRANSITION_SOURCE_UNSPECIFIED;
  uint32_t policy_version = 0;
  uint32_t episode = 0;
};

// Fills a TransitionBlock row by row. Reuses its memory: once grown to its largest block, Clear and
// Add allocate nothing. Not thread-safe.
class BlockBuilder {
 public:
  explicit BlockBuilder(const Schema& schema);

  // The standard columns of one more row; a schema's further columns are zero until set by
  // SetExtra.
  void Add(const Row& row);
  // Raw bytes of a further column of the row added last.
  void SetExtra(int column, const void* bytes);
  // All columns of one row as raw bytes, laid out column after column (schema().row_bytes()).
  void AddRaw(const void* row);

  uint32_t rows() const { return block_.rows(); }
  const v1::TransitionBlock& block() const { return block_; }
  const Schema& schema() const { return schema_; }
  void Clear();
  // Hands the rows over and takes `block`'s memory for the next ones: afterwards `block` holds the
  // rows and the builder is empty. `block` may be empty, or a block that an earlier Swap gave.
  void Swap(v1::TransitionBlock& block);

 private:
  Schema schema_;
  v1::TransitionBlock block_;
};

// OK where the block has the schema's columns, each of the size that its rows need, no more than
// max_rows, and (check_finite) every float32 is finite and every flag and source known.
// INVALID_ARGUMENT names column and row.
absl::Status CheckBlock(const Schema& schema, const v1::TransitionBlock& block, uint32_t max_rows,
                        bool check_finite);

// Views of a checked block's columns. std::string's storage is aligned for any element type.
inline absl::Span<const float> Floats(const v1::TransitionBlock& block, int column) {
  const std::string& bytes = block.columns(column);
  return {reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float)};
}
inline absl::Span<const uint8_t> Bytes(const v1::TransitionBlock& block, int column) {
  const std::string& bytes = block.columns(column);
  return {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
}
inline absl::Span<const uint32_t> Uints(const v1::TransitionBlock& block, int column) {
  const std::string& bytes = block.columns(column);
  return {reinterpret_cast<const uint32_t*>(bytes.data()), bytes.size() / sizeof(uint32_t)};
}

}  // namespace estuary::transition
