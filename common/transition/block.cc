#include "common/transition/block.h"

#include <cmath>

#include "absl/strings/str_cat.h"

namespace estuary::transition {
namespace {

void AppendBytes(v1::TransitionBlock& block, int column, const void* bytes, size_t size) {
  block.mutable_columns(column)->append(static_cast<const char*>(bytes), size);
}

}  // namespace

BlockBuilder::BlockBuilder(const Schema& schema) : schema_(schema) {
  for (int i = 0; i < schema_.columns(); ++i) block_.add_columns();
}

void BlockBuilder::Add(const Row& row) {
  AppendBytes(block_, kObservation, row.observation.data(), schema_.column_bytes(kObservation));
  AppendBytes(block_, kAction, row.action.data(), schema_.column_bytes(kAction));
  AppendBytes(block_, kReward, &row.reward, sizeof(float));
  AppendBytes(block_, kNextObservation, row.next_observation.data(),
              schema_.column_bytes(kNextObservation));
  const uint8_t flags = static_cast<uint8_t>((row.terminal ? v1::TRANSITION_FLAG_TERMINAL : 0) |
                                             (row.truncated ? v1::TRANSITION_FLAG_TRUNCATED : 0));
  const auto source = static_cast<uint8_t>(row.source);
  AppendBytes(block_, kFlags, &flags, 1);
  AppendBytes(block_, kSource, &source, 1);
  AppendBytes(block_, kPolicyVersion, &row.policy_version, sizeof(uint32_t));
  AppendBytes(block_, kEpisode, &row.episode, sizeof(uint32_t));
  for (int i = kStandardColumns; i < schema_.columns(); ++i) {
    block_.mutable_columns(i)->append(schema_.column_bytes(i), '\0');
  }
  block_.set_rows(block_.rows() + 1);
}

void BlockBuilder::SetExtra(int column, const void* bytes) {
  const size_t size = schema_.column_bytes(column);
  std::string& data = *block_.mutable_columns(column);
  std::memcpy(data.data() + data.size() - size, bytes, size);
}

void BlockBuilder::AddRaw(const void* row) {
  const char* next = static_cast<const char*>(row);
  for (int i = 0; i < schema_.columns(); ++i) {
    AppendBytes(block_, i, next, schema_.column_bytes(i));
    next += schema_.column_bytes(i);
  }
  block_.set_rows(block_.rows() + 1);
}

void BlockBuilder::Clear() {
  for (int i = 0; i < schema_.columns(); ++i) block_.mutable_columns(i)->clear();
  block_.set_rows(0);
}

void BlockBuilder::Swap(v1::TransitionBlock& block) {
  block_.Swap(&block);
  while (block_.columns_size() > schema_.columns()) block_.mutable_columns()->RemoveLast();
  while (block_.columns_size() < schema_.columns()) block_.add_columns();
  Clear();
}

absl::Status CheckBlock(const Schema& schema, const v1::TransitionBlock& block, uint32_t max_rows,
                        bool check_finite) {
  if (block.columns_size() != schema.columns()) {
    return absl::InvalidArgumentError(absl::StrCat("a block has ", block.columns_size(),
                                                   " columns, the schema ", schema.columns()));
  }
  if (block.rows() > max_rows) {
    return absl::InvalidArgumentError(
        absl::StrCat("a block of ", block.rows(), " rows; at most ", max_rows, " are taken"));
  }
  for (int i = 0; i < schema.columns(); ++i) {
    const size_t expected = schema.column_bytes(i) * block.rows();
    if (block.columns(i).size() != expected) {
      return absl::InvalidArgumentError(
          absl::StrCat("column ", schema.proto().columns(i).name(), " of a block of ", block.rows(),
                       " rows must have ", expected, " bytes, got ", block.columns(i).size()));
    }
  }
  if (!check_finite) return absl::OkStatus();
  for (int i = 0; i < schema.columns(); ++i) {
    const v1::Column& column = schema.proto().columns(i);
    if (column.dtype() != v1::DTYPE_FLOAT32) continue;
    const absl::Span<const float> values = Floats(block, i);
    for (size_t k = 0; k < values.size(); ++k) {
      if (!std::isfinite(values[k])) {
        return absl::InvalidArgumentError(absl::StrCat("row ", k / column.width(), " has ",
                                                       values[k], " in column ", column.name(), "[",
                                                       k % column.width(), "]"));
      }
    }
  }
  constexpr uint8_t kKnownFlags = v1::TRANSITION_FLAG_TERMINAL | v1::TRANSITION_FLAG_TRUNCATED;
  for (uint32_t row = 0; row < block.rows(); ++row) {
    const uint8_t flags = Bytes(block, kFlags)[row];
    const uint8_t source = Bytes(block, kSource)[row];
    if ((flags & ~kKnownFlags) != 0) {
      return absl::InvalidArgumentError(absl::StrCat("row ", row, " has unknown flags ", flags));
    }
    if (source == 0 || source > v1::TransitionSource_MAX) {
      return absl::InvalidArgumentError(absl::StrCat("row ", row, " has unknown source ", source));
    }
  }
  return absl::OkStatus();
}

}  // namespace estuary::transition
