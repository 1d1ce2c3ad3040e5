#include "common/dataset/dataset.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <memory>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/process/status.h"

namespace estuary::dataset {
namespace {

constexpr size_t kCheckedAtOnce = 8192;
// What float32 storage of +-1 may be off by.
constexpr float kActionSlack = 1e-6f;

absl::StatusOr<hdf5::Shape> ShapeOf(const hdf5::File& file, const std::string& name, size_t rank) {
  if (!file.Exists(name)) {
    return absl::InvalidArgumentError(
        absl::StrCat(file.path(), " has no array '", name,
                     "'; a dataset holds observations, actions, rewards, next_observations, "
                     "terminals and timeouts, as D4RL's do"));
  }
  ESTUARY_ASSIGN_OR_RETURN(hdf5::Shape shape, file.DatasetShape(name));
  if (shape.size() != rank) {
    return absl::InvalidArgumentError(absl::StrCat(file.path(), ": ", name, " has shape ",
                                                   hdf5::ShapeString(shape), ", expected ", rank,
                                                   rank == 1 ? " dimension" : " dimensions"));
  }
  return shape;
}

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

absl::StatusOr<Reader> Reader::Open(const std::string& path) {
  ESTUARY_ASSIGN_OR_RETURN(hdf5::File file, hdf5::File::Open(path));
  ESTUARY_ASSIGN_OR_RETURN(const hdf5::Shape observations, ShapeOf(file, "observations", 2));
  ESTUARY_ASSIGN_OR_RETURN(const hdf5::Shape actions, ShapeOf(file, "actions", 2));
  constexpr uint64_t kWidest = 1 << 20;
  if (observations[1] == 0 || actions[1] == 0 || observations[1] > kWidest ||
      actions[1] > kWidest) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": observations have shape ", hdf5::ShapeString(observations), ", actions ",
        hdf5::ShapeString(actions), "; the second dimension must be 1 to ", kWidest));
  }
  Info info;
  info.rows = observations[0];
  info.observation_dim = static_cast<int>(observations[1]);
  info.action_dim = static_cast<int>(actions[1]);
  info.has_timeouts = file.Exists("timeouts");
  if (info.rows == 0) return absl::InvalidArgumentError(absl::StrCat(path, " holds no rows"));
  ESTUARY_RETURN_IF_ERROR(file.ExpectShape("actions", {info.rows, actions[1]}));
  std::vector<std::string> columns = {"rewards", "terminals"};
  if (info.has_timeouts) columns.push_back("timeouts");
  for (const std::string& name : columns) {
    ESTUARY_RETURN_IF_ERROR(ShapeOf(file, name, 1).status());
    ESTUARY_RETURN_IF_ERROR(file.ExpectShape(name, {info.rows}));
  }
  ESTUARY_RETURN_IF_ERROR(ShapeOf(file, "next_observations", 2).status());
  ESTUARY_RETURN_IF_ERROR(file.ExpectShape("next_observations", observations));
  return Reader(std::move(file), info);
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
  const size_t obs = info_.observation_dim;
  const size_t act = info_.action_dim;
  batch.first = first;
  batch.rows = count;
  batch.observation_dim = info_.observation_dim;
  batch.action_dim = info_.action_dim;
  batch.observations.resize(count * obs);
  batch.actions.resize(count * act);
  batch.rewards.resize(count);
  batch.next_observations.resize(count * obs);
  batch.terminals.resize(count);
  batch.timeouts.assign(count, 0);
  const auto read = [&](const char* name, auto& values) {
    return file_.ReadRows(name, first, count, absl::MakeSpan(values));
  };
  ESTUARY_RETURN_IF_ERROR(read("observations", batch.observations));
  ESTUARY_RETURN_IF_ERROR(read("actions", batch.actions));
  ESTUARY_RETURN_IF_ERROR(read("rewards", batch.rewards));
  ESTUARY_RETURN_IF_ERROR(read("next_observations", batch.next_observations));
  ESTUARY_RETURN_IF_ERROR(read("terminals", batch.terminals));
  if (info_.has_timeouts) ESTUARY_RETURN_IF_ERROR(read("timeouts", batch.timeouts));
  return absl::OkStatus();
}

std::optional<BadRow> FindBadRow(const Batch& batch, size_t from) {
  for (size_t i = from; i < batch.rows; ++i) {
    if (auto why = WhyBad(batch, i)) return BadRow{batch.first + i, *std::move(why)};
  }
  return std::nullopt;
}

absl::Status CheckRows(const Reader& reader, uint64_t rows) {
  Batch batch;
  for (uint64_t first = 0; first < rows; first += kCheckedAtOnce) {
    ESTUARY_RETURN_IF_ERROR(
        reader.Read(first, std::min<uint64_t>(kCheckedAtOnce, rows - first), batch));
    if (const auto bad = FindBadRow(batch)) {
      return absl::InvalidArgumentError(absl::StrCat(
          reader.path(), ": row ", bad->row, ": ", bad->why,
          "; this is the first bad row, `estuary dataset describe` says more about the file"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Fingerprint(const std::string& path) {
  std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (file == nullptr) return process::ErrnoStatus(errno, absl::StrCat("cannot open '", path, "'"));
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  std::vector<char> buffer(1 << 20);
  size_t count = 0;
  while ((count = std::fread(buffer.data(), 1, buffer.size(), file.get())) > 0) {
    EVP_DigestUpdate(context.get(), buffer.data(), count);
  }
  if (std::ferror(file.get()) != 0) {
    return process::ErrnoStatus(errno, absl::StrCat("cannot read '", path, "'"));
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_DigestFinal_ex(context.get(), digest, &size);
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest), size));
}

}  // namespace estuary::dataset
