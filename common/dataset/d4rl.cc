// D4RL's layout, with next_observations or without.
#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/dataset/layout.h"
#include "common/process/status.h"

namespace estuary::dataset {
namespace {

constexpr size_t kFlagsAtOnce = 1 << 16;

class D4rl : public Layout {
 public:
  D4rl(hdf5::File file, Info info) : file_(std::move(file)), info_(std::move(info)) {}

  Info info() const override { return info_; }
  std::string Where(uint64_t row) const override { return absl::StrCat("row ", row); }

  absl::Status Read(Batch& batch) const override {
    ESTUARY_RETURN_IF_ERROR(ReadColumns(batch.first, batch.rows, 0, batch));
    return ReadInto(file_, "next_observations", batch.first, batch.rows, 0, batch.observation_dim,
                    batch.next_observations);
  }

 protected:
  // Everything but next_observations: the file's rows from `row` on, to the batch's from `at` on.
  absl::Status ReadColumns(uint64_t row, uint64_t count, size_t at, Batch& batch) const {
    const auto read = [&](const char* name, size_t width, auto& values) {
      return ReadInto(file_, name, row, count, at, width, values);
    };
    ESTUARY_RETURN_IF_ERROR(read("observations", batch.observation_dim, batch.observations));
    ESTUARY_RETURN_IF_ERROR(read("actions", batch.action_dim, batch.actions));
    ESTUARY_RETURN_IF_ERROR(read("rewards", 1, batch.rewards));
    ESTUARY_RETURN_IF_ERROR(read("terminals", 1, batch.terminals));
    return info_.has_timeouts ? read("timeouts", 1, batch.timeouts) : absl::OkStatus();
  }

  const hdf5::File file_;
  Info info_;
};

// Without next_observations: s' is the following row's observation.
class ShiftedD4rl : public D4rl {
 public:
  ShiftedD4rl(hdf5::File file, Info info) : D4rl(std::move(file), std::move(info)) {}

  // Finds the rows to leave out.
  absl::Status Scan() {
    const uint64_t rows = info_.rows;
    std::vector<uint8_t> terminals;
    std::vector<uint8_t> timeouts;
    for (uint64_t first = 0; first < rows; first += kFlagsAtOnce) {
      const size_t count = std::min<uint64_t>(kFlagsAtOnce, rows - first);
      terminals.resize(count);
      timeouts.resize(count);
      ESTUARY_RETURN_IF_ERROR(ReadInto(file_, "terminals", first, count, 0, 1, terminals));
      ESTUARY_RETURN_IF_ERROR(ReadInto(file_, "timeouts", first, count, 0, 1, timeouts));
      for (size_t i = 0; i < count; ++i) {
        const bool last = first + i + 1 == rows;
        if (terminals[i] == 0 && timeouts[i] == 0 && !last) continue;
        left_out_.push_back(first + i);
        if (terminals[i] != 0) ++info_.left_out_terminal;
      }
    }
    info_.left_out = left_out_.size();
    info_.rows = rows - left_out_.size();
    if (info_.rows > 0) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(file_.path(), " has no next_observations, and each of its ", rows,
                     " rows ends an episode: no row's next observation is known"));
  }

  std::string Where(uint64_t row) const override { return absl::StrCat("row ", InFile(row)); }

  absl::Status Read(Batch& batch) const override {
    for (size_t done = 0; done < batch.rows;) {
      const uint64_t row = InFile(batch.first + done);
      const auto end = std::lower_bound(left_out_.begin(), left_out_.end(), row);
      // The last row of all is left out: there is always an end, and a row behind each before it.
      const uint64_t count = std::min<uint64_t>(*end - row, batch.rows - done);
      ESTUARY_RETURN_IF_ERROR(ReadColumns(row, count, done, batch));
      ESTUARY_RETURN_IF_ERROR(ReadInto(file_, "observations", row + 1, count, done,
                                       batch.observation_dim, batch.next_observations));
      // What follows was left out: to whoever reads on, the episode is cut here.
      if (row + count == *end) batch.timeouts[done + count - 1] = 1;
      done += count;
    }
    return absl::OkStatus();
  }

 private:
  // The place in the file of the row'th row that is not left out.
  uint64_t InFile(uint64_t row) const {
    size_t low = 0;
    size_t high = left_out_.size();
    while (low < high) {
      const size_t middle = low + (high - low) / 2;
      // left_out_[middle] - middle rows before it are used.
      if (left_out_[middle] - middle <= row) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return row + low;
  }

  // In order.
  std::vector<uint64_t> left_out_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Layout>> OpenD4rl(hdf5::File file) {
  ESTUARY_ASSIGN_OR_RETURN(const hdf5::Shape observations, ArrayShape(file, "observations", 2));
  ESTUARY_ASSIGN_OR_RETURN(const hdf5::Shape actions, ArrayShape(file, "actions", 2));
  Info info;
  info.layout = "D4RL";
  info.rows = observations[0];
  info.observation_dim = static_cast<int>(observations[1]);
  info.action_dim = static_cast<int>(actions[1]);
  info.has_timeouts = file.Exists("timeouts");
  if (info.rows == 0)
    return absl::InvalidArgumentError(absl::StrCat(file.path(), " holds no rows"));
  ESTUARY_RETURN_IF_ERROR(file.ExpectShape("actions", {info.rows, actions[1]}));
  std::vector<std::string> columns = {"rewards", "terminals"};
  if (info.has_timeouts) columns.push_back("timeouts");
  for (const std::string& name : columns) {
    ESTUARY_RETURN_IF_ERROR(ArrayShape(file, name, 1).status());
    ESTUARY_RETURN_IF_ERROR(file.ExpectShape(name, {info.rows}));
  }
  if (file.Exists("next_observations")) {
    ESTUARY_RETURN_IF_ERROR(ArrayShape(file, "next_observations", 2).status());
    ESTUARY_RETURN_IF_ERROR(file.ExpectShape("next_observations", observations));
    return std::make_unique<D4rl>(std::move(file), std::move(info));
  }
  if (!info.has_timeouts) {
    return absl::InvalidArgumentError(absl::StrCat(
        file.path(),
        " has no array 'next_observations' and no 'timeouts': where episodes were cut, "
        "and so what followed a row, cannot be known"));
  }
  info.layout = "D4RL without next_observations";
  auto shifted = std::make_unique<ShiftedD4rl>(std::move(file), std::move(info));
  ESTUARY_RETURN_IF_ERROR(shifted->Scan());
  return shifted;
}

}  // namespace estuary::dataset
