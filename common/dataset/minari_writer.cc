#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/dataset/writer.h"
#include "common/hdf5/file.h"
#include "common/process/files.h"
#include "common/process/status.h"

namespace estuary::dataset {
namespace {

namespace fs = std::filesystem;

// The first version of Minari's package with this layout.
constexpr char kMinariVersion[] = "0.5.0";
// A longer episode goes to the file in pieces, in chunks of so many bytes.
constexpr size_t kEpisodeBytes = 8 << 20;
constexpr uint64_t kChunkBytes = 256 << 10;

// Minari's JSON for a Box, in Python's dialect of JSON, which knows Infinity.
std::string Box(int width, const std::string& low, const std::string& high) {
  const auto repeat = [width](const std::string& value) {
    return absl::StrJoin(std::vector<std::string>(width, value), ", ");
  };
  return absl::StrCat(R"({"type": "Box", "dtype": "float32", "shape": [)", width, R"(], "low": [)",
                      repeat(low), R"(], "high": [)", repeat(high), "]}");
}

class MinariWriter : public Writer {
 public:
  MinariWriter(hdf5::File file, std::string folder, std::string partial, std::string id,
               Origin origin)
      : file_(std::move(file)),
        folder_(std::move(folder)),
        partial_(std::move(partial)),
        id_(std::move(id)),
        origin_(std::move(origin)) {}
  ~MinariWriter() override {
    std::error_code error;
    if (!finished_) fs::remove_all(partial_, error);
  }

  absl::Status Append(const Batch& batch) override {
    for (size_t i = 0; i < batch.rows; ++i) {
      if (steps_ > 0 && !Follows(batch, i)) {
        // Nothing says that the episode ended, but it did not go on here.
        ESTUARY_RETURN_IF_ERROR(EndEpisode(/*terminal=*/false));
      }
      AddStep(batch, i);
      if (batch.EndsEpisode(i)) {
        ESTUARY_RETURN_IF_ERROR(EndEpisode(batch.terminals[i] != 0));
      } else if (sizeof(float) * held_.observations.size() > kEpisodeBytes) {
        ESTUARY_RETURN_IF_ERROR(Spill());
      }
    }
    return absl::OkStatus();
  }

  absl::Status Finish() override {
    if (steps_ > 0) ESTUARY_RETURN_IF_ERROR(EndEpisode(/*terminal=*/false));
    ESTUARY_RETURN_IF_ERROR(file_.Close());
    const nlohmann::ordered_json metadata = {
        {"total_episodes", episodes_},
        {"total_steps", total_steps_},
        {"data_format", "hdf5"},
        {"observation_space", Box(origin_.observation_dim, "-Infinity", "Infinity")},
        {"action_space", Box(origin_.action_dim, "-1.0", "1.0")},
        {"dataset_id", id_},
        {"minari_version", kMinariVersion},
        {"algorithm_name", origin_.generator},
        {"description", absl::StrCat("Transitions of ", origin_.task, ", written by Estuary")}};
    ESTUARY_RETURN_IF_ERROR(
        process::WriteFileAtomically(partial_ + "/data/metadata.json", metadata.dump(2) + "\n"));
    std::error_code error;
    fs::remove_all(folder_, error);
    if (std::rename(partial_.c_str(), folder_.c_str()) != 0) {
      return process::ErrnoStatus(
          errno, absl::StrCat("cannot rename '", partial_, "' to '", folder_, "'"));
    }
    finished_ = true;
    return absl::OkStatus();
  }

 private:
  // Row i's observation is what the last step led to.
  bool Follows(const Batch& batch, size_t i) const {
    const size_t obs = origin_.observation_dim;
    return std::equal(last_.begin(), last_.end(), batch.observations.begin() + i * obs);
  }

  void AddStep(const Batch& batch, size_t i) {
    const size_t obs = origin_.observation_dim;
    const size_t act = origin_.action_dim;
    const auto copy = [i](const std::vector<float>& from, size_t width, std::vector<float>& to) {
      to.insert(to.end(), from.begin() + i * width, from.begin() + (i + 1) * width);
    };
    copy(batch.observations, obs, held_.observations);
    copy(batch.actions, act, held_.actions);
    held_.rewards.push_back(batch.rewards[i]);
    last_.assign(batch.next_observations.begin() + i * obs,
                 batch.next_observations.begin() + (i + 1) * obs);
    ++steps_;
  }

  std::string Name(const char* array) const {
    return absl::StrCat("episode_", episodes_, "/", array);
  }

  // Part of an episode that is too long for memory.
  absl::Status Spill() {
    const auto obs = static_cast<uint64_t>(origin_.observation_dim);
    const auto act = static_cast<uint64_t>(origin_.action_dim);
    if (!spilled_) {
      const auto create = [this](const char* name, const hdf5::Shape& row) {
        const uint64_t bytes = sizeof(float) * hdf5::ElementCount(row);
        return file_.CreateAppendable<float>(
            Name(name), row, {.chunk_rows = std::max<uint64_t>(1, kChunkBytes / bytes)});
      };
      ESTUARY_RETURN_IF_ERROR(create("observations", {obs}));
      ESTUARY_RETURN_IF_ERROR(create("actions", {act}));
      ESTUARY_RETURN_IF_ERROR(create("rewards", {}));
      spilled_ = true;
    }
    ESTUARY_RETURN_IF_ERROR(file_.Append<float>(Name("observations"), held_.observations));
    ESTUARY_RETURN_IF_ERROR(file_.Append<float>(Name("actions"), held_.actions));
    ESTUARY_RETURN_IF_ERROR(file_.Append<float>(Name("rewards"), held_.rewards));
    held_ = {};
    return absl::OkStatus();
  }

  absl::Status EndEpisode(bool terminal) {
    const auto obs = static_cast<uint64_t>(origin_.observation_dim);
    const auto act = static_cast<uint64_t>(origin_.action_dim);
    // What the last step led to: one observation more than steps.
    held_.observations.insert(held_.observations.end(), last_.begin(), last_.end());
    if (spilled_) {
      ESTUARY_RETURN_IF_ERROR(Spill());
    } else {
      ESTUARY_RETURN_IF_ERROR(
          file_.Write<float>(Name("observations"), {steps_ + 1, obs}, held_.observations));
      ESTUARY_RETURN_IF_ERROR(file_.Write<float>(Name("actions"), {steps_, act}, held_.actions));
      ESTUARY_RETURN_IF_ERROR(file_.Write<float>(Name("rewards"), {steps_}, held_.rewards));
    }
    ESTUARY_RETURN_IF_ERROR(file_.WriteFlags(Name("terminations"), steps_, terminal));
    ESTUARY_RETURN_IF_ERROR(file_.WriteFlags(Name("truncations"), steps_, !terminal));
    const std::string group = absl::StrCat("episode_", episodes_);
    ESTUARY_RETURN_IF_ERROR(file_.SetAttribute<uint64_t>(group, "id", episodes_));
    ESTUARY_RETURN_IF_ERROR(file_.SetAttribute<uint64_t>(group, "total_steps", steps_));
    ++episodes_;
    total_steps_ += steps_;
    steps_ = 0;
    spilled_ = false;
    held_ = {};
    return absl::OkStatus();
  }

  hdf5::File file_;
  const std::string folder_;
  const std::string partial_;
  const std::string id_;
  const Origin origin_;
  uint64_t episodes_ = 0;
  uint64_t total_steps_ = 0;
  // The episode that is going on: its steps, of which the last ones are held.
  uint64_t steps_ = 0;
  struct {
    std::vector<float> observations;
    std::vector<float> actions;
    std::vector<float> rewards;
  } held_;
  bool spilled_ = false;
  std::vector<float> last_;
  bool finished_ = false;
};

}  // namespace

absl::Status CheckMinariId(const std::string& id) {
  const size_t version = id.rfind("-v");
  uint32_t number = 0;
  const bool good = version != std::string::npos && version > 0 &&
                    absl::SimpleAtoi(id.substr(version + 2), &number) &&
                    std::all_of(id.begin(), id.end(), [](unsigned char c) {
                      return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '/';
                    });
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "'", id, "' is no id of a Minari dataset; they are NAME-v0 or NAMESPACE/NAME-v0"));
}

absl::StatusOr<std::unique_ptr<Writer>> CreateMinari(const std::string& folder,
                                                     const std::string& id, const Origin& origin) {
  ESTUARY_RETURN_IF_ERROR(CheckMinariId(id));
  const std::string partial = absl::StrCat(folder, ".partial");
  std::error_code error;
  fs::remove_all(partial, error);
  ESTUARY_RETURN_IF_ERROR(process::CreateDirectories(partial + "/data"));
  ESTUARY_ASSIGN_OR_RETURN(hdf5::File file, hdf5::File::Create(partial + "/data/main_data.hdf5"));
  return std::make_unique<MinariWriter>(std::move(file), folder, partial, id, origin);
}

}  // namespace estuary::dataset
