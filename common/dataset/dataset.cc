#include "common/dataset/dataset.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/dataset/isolated.h"
#include "common/dataset/layout.h"
#include "common/process/sha256.h"
#include "common/process/status.h"

namespace estuary::dataset {
namespace {

constexpr size_t kRowsAtOnce = 8192;
constexpr size_t kBytesAtOnce = 64 << 20;
constexpr uint64_t kWidest = 1 << 20;
constexpr char kMinariFile[] = "main_data.hdf5";
// What float32 storage of +-1 may be off by.
constexpr float kActionSlack = 1e-6f;

std::optional<std::string> NotFinite(const char* name, const std::vector<float>& values, size_t row,
                                     size_t width) {
  for (size_t j = 0; j < width; ++j) {
    const float value = values[row * width + j];
    if (!std::isfinite(value)) return absl::StrCat(name, "[", j, "] is ", value);
  }
  return std::nullopt;
}

std::optional<std::string> WhyBad(const Batch& batch, size_t i) {
  const size_t obs = batch.observation_dim;
  const size_t act = batch.action_dim;
  if (auto why = NotFinite("observations", batch.observations, i, obs)) return why;
  if (auto why = NotFinite("actions", batch.actions, i, act)) return why;
  if (auto why = NotFinite("rewards", batch.rewards, i, 1)) return why;
  if (auto why = NotFinite("next_observations", batch.next_observations, i, obs)) return why;
  for (size_t j = 0; j < act; ++j) {
    const float value = batch.actions[i * act + j];
    if (std::abs(value) > 1 + kActionSlack) {
      return absl::StrCat("actions[", j, "] is ", value, ", outside [-1, 1]");
    }
  }
  if (batch.terminals[i] > 1) {
    return absl::StrCat("terminals is ", batch.terminals[i], ", not 0 or 1");
  }
  if (batch.timeouts[i] > 1) {
    return absl::StrCat("timeouts is ", batch.timeouts[i], ", not 0 or 1");
  }
  return std::nullopt;
}

}  // namespace

transition::Row Batch::Row(size_t i, uint32_t episode) const {
  const size_t obs = observation_dim;
  const size_t act = action_dim;
  transition::Row row;
  row.observation = absl::MakeConstSpan(observations).subspan(i * obs, obs);
  row.action = absl::MakeConstSpan(actions).subspan(i * act, act);
  row.reward = rewards[i];
  row.next_observation = absl::MakeConstSpan(next_observations).subspan(i * obs, obs);
  row.terminal = terminals[i] != 0;
  // A row cannot be both: where the task ended, nothing was cut.
  row.truncated = timeouts[i] != 0 && !row.terminal;
  row.source = v1::TRANSITION_SOURCE_DATASET;
  row.episode = episode;
  return row;
}

void Batch::Resize(uint64_t first_row, size_t count, int observations_of, int actions_of) {
  first = first_row;
  rows = count;
  observation_dim = observations_of;
  action_dim = actions_of;
  observations.resize(count * observations_of);
  actions.resize(count * actions_of);
  rewards.resize(count);
  next_observations.resize(count * observations_of);
  terminals.assign(count, 0);
  timeouts.assign(count, 0);
}

void Batch::Truncate(size_t count) {
  rows = count;
  observations.resize(count * observation_dim);
  actions.resize(count * action_dim);
  rewards.resize(count);
  next_observations.resize(count * observation_dim);
  terminals.resize(count);
  timeouts.resize(count);
}

absl::StatusOr<hdf5::Shape> ArrayShape(const hdf5::File& file, const std::string& name,
                                       size_t rank) {
  if (!file.Exists(name)) {
    return absl::InvalidArgumentError(absl::StrCat(
        file.path(), " has no array '", name,
        "'; a dataset holds observations, actions, rewards, next_observations, terminals and "
        "timeouts, as D4RL's do, or episode_0, episode_1, ... as Minari's do"));
  }
  absl::StatusOr<hdf5::Shape> shape = file.DatasetShape(name);
  if (absl::IsNotFound(shape.status())) {
    return absl::InvalidArgumentError(
        absl::StrCat(file.path(), ": ", name,
                     " is no array of numbers; observations and actions "
                     "in several parts (Dict, Tuple) are not read"));
  }
  if (!shape.ok()) return shape.status();
  if (shape->size() != rank) {
    return absl::InvalidArgumentError(absl::StrCat(file.path(), ": ", name, " has shape ",
                                                   hdf5::ShapeString(*shape), ", expected ", rank,
                                                   rank == 1 ? " dimension" : " dimensions"));
  }
  if (rank == 2 && ((*shape)[1] == 0 || (*shape)[1] > kWidest)) {
    return absl::InvalidArgumentError(
        absl::StrCat(file.path(), ": ", name, " has shape ", hdf5::ShapeString(*shape),
                     "; the second dimension must be 1 to ", kWidest));
  }
  return shape;
}

std::string DataFile(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (!fs::is_directory(path, error)) return path;
  const std::string inner = absl::StrCat(path, "/data/", kMinariFile);
  return fs::exists(inner, error) ? inner : absl::StrCat(path, "/", kMinariFile);
}

Reader::Reader(std::string path, std::unique_ptr<Layout> layout, Info info)
    : path_(std::move(path)), layout_(std::move(layout)), info_(std::move(info)) {}
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;
Reader::~Reader() = default;

absl::StatusOr<std::unique_ptr<Layout>> OpenHere(const std::string& path) {
  ESTUARY_ASSIGN_OR_RETURN(hdf5::File file, hdf5::File::Open(path));
  ESTUARY_ASSIGN_OR_RETURN(const std::vector<std::string> names, file.List("/"));
  const bool minari = std::any_of(names.begin(), names.end(), [](const std::string& name) {
    return absl::StartsWith(name, "episode_");
  });
  return minari ? OpenMinari(std::move(file)) : OpenD4rl(std::move(file));
}

absl::StatusOr<Reader> Reader::Open(const std::string& path, absl::Duration patience) {
  const std::string data = DataFile(path);
  ESTUARY_ASSIGN_OR_RETURN(std::unique_ptr<Layout> layout, OpenIsolated(data, patience));
  Info info = layout->info();
  return Reader(data, std::move(layout), std::move(info));
}

size_t Reader::rows_at_once() const {
  const size_t row_bytes =
      sizeof(float) * (2 * static_cast<size_t>(info_.observation_dim) + info_.action_dim + 2);
  return std::clamp<size_t>(kBytesAtOnce / row_bytes, 1, kRowsAtOnce);
}

absl::Status Reader::CheckFits(const std::string& task, int observation_dim, int action_dim) const {
  if (info_.observation_dim == observation_dim && info_.action_dim == action_dim) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(path(), " holds observations of ", info_.observation_dim, " and actions of ",
                   info_.action_dim, " numbers, the task ", task, " has ", observation_dim, " and ",
                   action_dim, "; is it another task's dataset?"));
}

absl::Status Reader::Read(uint64_t first, size_t count, Batch& batch) const {
  if (first > info_.rows || count > info_.rows - first) {
    return absl::OutOfRangeError(
        absl::StrCat(path_, " has ", info_.rows, " rows, wanted ", count, " from row ", first));
  }
  batch.Resize(first, count, info_.observation_dim, info_.action_dim);
  return count > 0 ? layout_->Read(batch) : absl::OkStatus();
}

std::string Reader::Where(uint64_t row) const { return layout_->Where(row); }

std::optional<BadRow> FindBadRow(const Batch& batch, size_t from) {
  for (size_t i = from; i < batch.rows; ++i) {
    if (auto why = WhyBad(batch, i)) return BadRow{batch.first + i, *std::move(why)};
  }
  return std::nullopt;
}

absl::Status CheckRows(const Reader& reader, uint64_t rows, const Progress& progress) {
  Batch batch;
  const size_t at_once = reader.rows_at_once();
  for (uint64_t first = 0; first < rows; first += at_once) {
    ESTUARY_RETURN_IF_ERROR(reader.Read(first, std::min<uint64_t>(at_once, rows - first), batch));
    if (const auto bad = FindBadRow(batch)) {
      return absl::InvalidArgumentError(absl::StrCat(
          reader.path(), ": ", reader.Where(bad->row), ": ", bad->why,
          "; this is the first bad row, `estuary dataset describe` says more about the file"));
    }
    if (progress != nullptr) progress(first + batch.rows);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Fingerprint(const std::string& dataset) {
  const std::string path = DataFile(dataset);
  std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (file == nullptr) return process::ErrnoStatus(errno, absl::StrCat("cannot open '", path, "'"));
  process::Sha256Stream sum;
  std::vector<char> buffer(1 << 20);
  size_t count = 0;
  while ((count = std::fread(buffer.data(), 1, buffer.size(), file.get())) > 0) {
    sum.Add(buffer.data(), count);
  }
  if (std::ferror(file.get()) != 0) {
    return process::ErrnoStatus(errno, absl::StrCat("cannot read '", path, "'"));
  }
  return sum.Finish();
}

}  // namespace estuary::dataset
