#include "learner/core/replay/device_replay.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "learner/core/replay/replay_storage.h"

namespace estuary::learner {
namespace {

constexpr int64_t kFirstAllocation = 4096;
constexpr double kZeroRowsPerRow = 10;

absl::Status CheckColumn(const ReplayOptions& options, absl::string_view column,
                         absl::Span<const float> values, int64_t rows, int64_t dim) {
  if (static_cast<int64_t>(values.size()) != rows * dim) {
    return absl::InvalidArgumentError(absl::StrCat("table '", options.name, "' got ", values.size(),
                                                   " numbers of ", column, " for ", rows,
                                                   " transitions of ", dim));
  }
  for (float value : values) {
    if (!std::isfinite(value)) {
      return absl::InvalidArgumentError(
          absl::StrCat("table '", options.name, "' got ", value, " in ", column));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckColumns(const ReplayOptions& options, const TransitionColumns& columns,
                          int64_t rows) {
  const int64_t o = options.observation_dim, a = options.action_dim;
  auto status = CheckColumn(options, "observation", columns.observation, rows, o);
  status.Update(CheckColumn(options, "action", columns.action, rows, a));
  status.Update(CheckColumn(options, "next_observation", columns.next_observation, rows, o));
  status.Update(CheckColumn(options, "reward", columns.reward, rows, 1));
  status.Update(CheckColumn(options, "terminal", columns.terminal, rows, 1));
  return status;
}

// Rows [first, first + count) of the columns, packed.
at::Tensor Pack(const RowLayout& layout, const TransitionColumns& columns, int64_t first,
                int64_t count) {
  at::Tensor packed = at::empty({count, layout.width()}, at::kFloat);
  float* out = packed.mutable_data_ptr<float>();
  const auto copy = [&out](absl::Span<const float> values, int64_t row, int64_t dim) {
    out = std::copy_n(values.begin() + row * dim, dim, out);
  };
  for (int64_t row = first; row < first + count; ++row) {
    copy(columns.observation, row, layout.observation);
    copy(columns.action, row, layout.action);
    copy(columns.next_observation, row, layout.observation);
    copy(columns.reward, row, 1);
    copy(columns.terminal, row, 1);
  }
  return packed;
}

// Forgets the rows that were drawn.
void Compact(DeviceReplay::Storage& storage) {
  const int64_t left = storage.drawable();
  // The parts may overlap.
  if (left > 0) {
    storage.rows.narrow(0, 0, left).copy_(storage.rows.narrow(0, storage.next, left).clone());
  }
  storage.size = left;
  storage.next = 0;
}

// Enough memory for `wanted` rows, at least doubling. A ring only wraps at its full capacity, so
// growing keeps every row's place.
void Reserve(DeviceReplay::Storage& storage, int64_t wanted) {
  const int64_t allocated = storage.rows.size(0);
  if (wanted <= allocated) return;
  const int64_t rows =
      std::min(storage.options.capacity, std::max({wanted, 2 * allocated, kFirstAllocation}));
  at::Tensor larger = at::empty({rows, storage.layout.width()}, storage.rows.options());
  larger.narrow(0, 0, storage.size).copy_(storage.rows.narrow(0, 0, storage.size));
  storage.rows = std::move(larger);
}

std::vector<double> ToVector(const at::Tensor& tensor) {
  const at::Tensor host = tensor.to(at::kCPU, at::kDouble).contiguous();
  const double* data = host.const_data_ptr<double>();
  return {data, data + host.numel()};
}

}  // namespace

at::Device ToTorch(Device device) {
  return device == Device::kCuda ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
}

void DeviceReplay::Storage::Draw(const at::Generator& generator, at::Tensor& indices) const {
  if (options.in_order) {
    const int64_t count = indices.size(0);
    TORCH_CHECK(count <= drawable(), "table '", options.name, "' has ", drawable(),
                " rows left to draw, not ", count);
    at::arange_out(indices, next, next + count, 1);
    next += count;
    return;
  }
  indices.random_(0, size, generator);
  if (oldest != 0) indices.add_(oldest).remainder_(size);
}

DeviceReplay::DeviceReplay(std::unique_ptr<Storage> storage) : storage_(std::move(storage)) {}
DeviceReplay::~DeviceReplay() = default;

absl::StatusOr<std::unique_ptr<DeviceReplay>> DeviceReplay::Create(const ReplayOptions& options) {
  if (options.observation_dim < 1 || options.action_dim < 1 || options.capacity < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("table '", options.name, "' needs sizes of at least 1; observation_dim is ",
                     options.observation_dim, ", action_dim ", options.action_dim, ", capacity ",
                     options.capacity));
  }
  if (auto status = OpenDevice(options.device); !status.ok()) return status;
  try {
    auto storage = std::make_unique<Storage>();
    storage->options = options;
    storage->layout = {options.observation_dim, options.action_dim};
    storage->rows =
        at::empty({0, storage->layout.width()},
                  at::TensorOptions().dtype(at::kFloat).device(ToTorch(options.device)));
    return std::unique_ptr<DeviceReplay>(new DeviceReplay(std::move(storage)));
  } catch (const std::exception& error) {
    return absl::InternalError(
        absl::StrCat("table '", options.name, "' cannot be made: ", error.what()));
  }
}

absl::Status DeviceReplay::Append(const TransitionColumns& columns) {
  Storage& s = *storage_;
  const int64_t capacity = s.options.capacity;
  const int64_t rows = static_cast<int64_t>(columns.reward.size());
  if (auto status = CheckColumns(s.options, columns, rows); !status.ok()) return status;
  const bool refuses = s.options.in_order || s.options.overflow == Overflow::kRefuse;
  if (refuses && s.drawable() + rows > capacity) {
    return absl::ResourceExhaustedError(
        absl::StrCat("table '", s.options.name, "' holds ", s.drawable(), " of at most ", capacity,
                     " transitions and was given ", rows, " more; raise its capacity"));
  }
  try {
    const at::NoGradGuard no_grad;
    if (s.options.in_order && s.size + rows > capacity) Compact(s);
    // Of more rows than the ring has places only the last survive.
    int64_t first = std::max<int64_t>(0, rows - capacity);
    Reserve(s, std::min(capacity, s.size + rows));
    s.appended += first;
    while (first < rows) {
      const int64_t place = s.size < capacity ? s.size : s.oldest;
      const int64_t count = std::min(rows - first, capacity - place);
      s.rows.narrow(0, place, count).copy_(Pack(s.layout, columns, first, count));
      if (s.size < capacity) {
        s.size += count;
      } else {
        s.oldest = (s.oldest + count) % capacity;
      }
      first += count;
      s.appended += count;
    }
    return absl::OkStatus();
  } catch (const std::exception& error) {
    return absl::ResourceExhaustedError(absl::StrCat("table '", s.options.name, "' cannot take ",
                                                     rows, " transitions: ", error.what()));
  }
}

void DeviceReplay::Clear() {
  storage_->size = storage_->oldest = storage_->appended = storage_->next = 0;
}

const ReplayOptions& DeviceReplay::options() const { return storage_->options; }
int64_t DeviceReplay::size() const { return storage_->drawable(); }
int64_t DeviceReplay::appended() const { return storage_->appended; }

absl::StatusOr<ReplayMoments> DeviceReplay::Moments() const {
  const Storage& s = *storage_;
  if (s.moments.has_value()) return *s.moments;
  if (s.options.in_order) {
    return absl::FailedPreconditionError(absl::StrCat(
        "table '", s.options.name, "' is sampled by the shards and its moments were not taken"));
  }
  if (s.size == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("table '", s.options.name, "' holds no transitions to take moments of"));
  }
  try {
    const at::NoGradGuard no_grad;
    const at::Tensor held = s.rows.narrow(0, 0, s.size).to(at::kDouble);
    const at::Tensor observation = held.narrow(1, 0, s.layout.observation);
    const at::Tensor difference =
        held.narrow(1, s.layout.next_observation_at(), s.layout.observation) - observation;
    const at::Tensor mean = observation.mean(0);
    const at::Tensor variance = observation.var(0, /*unbiased=*/false);
    // Zeros dilute both the mean and the mean of squares.
    const double share = 1 / (1 + kZeroRowsPerRow);
    const at::Tensor padded = share * (variance + mean * mean) - share * share * mean * mean;
    return ReplayMoments{
        .observation_mean = ToVector(mean),
        .observation_std = ToVector(variance.sqrt()),
        .difference_mean = ToVector(difference.mean(0)),
        .difference_std = ToVector(difference.var(0, /*unbiased=*/false).sqrt()),
        .padded_observation_std = ToVector(padded.sqrt()),
    };
  } catch (const std::exception& error) {
    return absl::InternalError(
        absl::StrCat("moments of table '", s.options.name, "' failed: ", error.what()));
  }
}

absl::Status CheckDrawable(const DeviceReplay* replay, const char* table, int64_t rows) {
  if (rows == 0) return absl::OkStatus();
  if (replay == nullptr || replay->size() == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("the algorithm draws from table '", table, "', which ",
                     replay == nullptr ? "the engine was not given" : "holds no transitions yet"));
  }
  if (replay->options().in_order && replay->size() < rows) {
    return absl::FailedPreconditionError(absl::StrCat("table '", table, "' has ", replay->size(),
                                                      " sampled rows left, a step draws ", rows));
  }
  return absl::OkStatus();
}

void DeviceReplay::SetMoments(const ReplayMoments& moments) { storage_->moments = moments; }

}  // namespace estuary::learner
