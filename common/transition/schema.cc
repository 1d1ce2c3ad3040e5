#include "common/transition/schema.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace estuary::transition {
namespace {

// A row larger than this is a mistake or an attack.
constexpr uint32_t kMaxWidth = 1 << 16;

size_t ElementBytes(v1::DType dtype) {
  switch (dtype) {
    case v1::DTYPE_FLOAT32:
    case v1::DTYPE_UINT32:
      return 4;
    case v1::DTYPE_UINT8:
      return 1;
    case v1::DTYPE_UINT64:
      return 8;
    default:
      return 0;
  }
}

std::string DTypeName(v1::DType dtype) {
  switch (dtype) {
    case v1::DTYPE_FLOAT32:
      return "float32";
    case v1::DTYPE_UINT32:
      return "uint32";
    case v1::DTYPE_UINT8:
      return "uint8";
    case v1::DTYPE_UINT64:
      return "uint64";
    default:
      return absl::StrCat("dtype ", static_cast<int>(dtype));
  }
}

void AddColumn(v1::TransitionSchema& proto, const std::string& name, v1::DType dtype,
               uint32_t width) {
  v1::Column& column = *proto.add_columns();
  column.set_name(name);
  column.set_dtype(dtype);
  column.set_width(width);
}

v1::TransitionSchema StandardProto(const std::string& task, int observation_dim, int action_dim,
                                   uint32_t control_period_us) {
  v1::TransitionSchema proto;
  proto.set_task(task);
  proto.set_control_period_us(control_period_us);
  AddColumn(proto, "observation", v1::DTYPE_FLOAT32, observation_dim);
  AddColumn(proto, "action", v1::DTYPE_FLOAT32, action_dim);
  AddColumn(proto, "reward", v1::DTYPE_FLOAT32, 1);
  AddColumn(proto, "next_observation", v1::DTYPE_FLOAT32, observation_dim);
  AddColumn(proto, "flags", v1::DTYPE_UINT8, 1);
  AddColumn(proto, "source", v1::DTYPE_UINT8, 1);
  AddColumn(proto, "policy_version", v1::DTYPE_UINT32, 1);
  AddColumn(proto, "episode", v1::DTYPE_UINT32, 1);
  return proto;
}

std::string ColumnToString(const v1::Column& column) {
  return absl::StrCat(column.name(), " ", DTypeName(column.dtype()), "[", column.width(), "]");
}

bool SameColumn(const v1::Column& a, const v1::Column& b) {
  return a.name() == b.name() && a.dtype() == b.dtype() && a.width() == b.width();
}

// The first `columns` columns and everything else of the two schemas are the same.
bool Same(const v1::TransitionSchema& a, const v1::TransitionSchema& b, int columns) {
  if (a.task() != b.task() || a.control_period_us() != b.control_period_us()) return false;
  for (int i = 0; i < columns; ++i) {
    if (!SameColumn(a.columns(i), b.columns(i))) return false;
  }
  return true;
}

absl::Status Mismatch(const Schema& ours, const Schema& theirs, const std::string& what) {
  std::string hint;
  if (ours.task() != theirs.task()) {
    hint = absl::StrCat("; is the other side's task ", theirs.task(), "?");
  }
  return absl::FailedPreconditionError(
      absl::StrCat(what, " holds {", ours.ToString(), "}, got {", theirs.ToString(), "}", hint));
}

}  // namespace

Schema Schema::Standard(const std::string& task, int observation_dim, int action_dim,
                        uint32_t control_period_us) {
  return FromProto(StandardProto(task, observation_dim, action_dim, control_period_us)).value();
}

Schema Schema::Robot(const std::string& task, int observation_dim, int action_dim,
                     uint32_t control_period_us) {
  v1::TransitionSchema proto = StandardProto(task, observation_dim, action_dim, control_period_us);
  AddColumn(proto, "policy_action", v1::DTYPE_FLOAT32, action_dim);
  AddColumn(proto, "action_latency_us", v1::DTYPE_UINT32, 1);
  return FromProto(proto).value();
}

Schema Schema::Simulated(const std::string& task, int observation_dim, int action_dim,
                         uint32_t control_period_us, int gap_edits) {
  v1::TransitionSchema proto = StandardProto(task, observation_dim, action_dim, control_period_us);
  if (gap_edits > 0) AddColumn(proto, "gap", v1::DTYPE_FLOAT32, gap_edits);
  return FromProto(proto).value();
}

absl::StatusOr<Schema> Schema::FromProto(const v1::TransitionSchema& proto) {
  Schema schema;
  schema.proto_ = proto;
  if (proto.columns_size() < kStandardColumns) {
    return absl::InvalidArgumentError(absl::StrCat("a schema needs the ", kStandardColumns,
                                                   " standard columns, got ", proto.columns_size(),
                                                   ": {", schema.ToString(), "}"));
  }
  for (const v1::Column& column : proto.columns()) {
    const size_t bytes = ElementBytes(column.dtype()) * column.width();
    if (bytes == 0 || column.width() > kMaxWidth) {
      return absl::InvalidArgumentError(
          absl::StrCat("schema column ", ColumnToString(column),
                       " has no usable type or width; widths are 1 to ", kMaxWidth));
    }
    schema.widths_.push_back(bytes);
    schema.row_bytes_ += bytes;
  }
  schema.observation_dim_ = static_cast<int>(proto.columns(kObservation).width());
  schema.action_dim_ = static_cast<int>(proto.columns(kAction).width());
  const v1::TransitionSchema standard =
      StandardProto(proto.task(), schema.observation_dim_, schema.action_dim_, 0);
  for (int i = 0; i < kStandardColumns; ++i) {
    if (!SameColumn(proto.columns(i), standard.columns(i))) {
      return absl::InvalidArgumentError(absl::StrCat("schema column ", i, " must be ",
                                                     ColumnToString(standard.columns(i)), ", got ",
                                                     ColumnToString(proto.columns(i))));
    }
  }
  return schema;
}

std::string Schema::ToString() const {
  std::string text =
      absl::StrCat("task '", proto_.task(), "', ", proto_.control_period_us(), " us");
  const char* separator = ": ";
  for (const v1::Column& column : proto_.columns()) {
    absl::StrAppend(&text, separator, ColumnToString(column));
    separator = ", ";
  }
  return text;
}

absl::Status Schema::CheckEqual(const Schema& theirs, const std::string& what) const {
  if (columns() == theirs.columns() && Same(proto_, theirs.proto_, columns())) {
    return absl::OkStatus();
  }
  return Mismatch(*this, theirs, what);
}

absl::Status Schema::CheckStandardEqual(const Schema& theirs, const std::string& what) const {
  if (Same(proto_, theirs.proto_, kStandardColumns)) return absl::OkStatus();
  return Mismatch(*this, theirs, what);
}

}  // namespace estuary::transition
