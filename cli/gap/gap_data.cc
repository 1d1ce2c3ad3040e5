#include "cli/gap/gap_data.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/hdf5/file.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

// [stages, transitions] into one member of each stage.
absl::Status ReadMeasure(const hdf5::File& file, const char* dataset, size_t transitions,
                         std::vector<float> GapStage::*measure, std::vector<GapStage>& stages) {
  if (!file.Exists(dataset)) return absl::OkStatus();
  ESTUARY_ASSIGN_OR_RETURN(const auto all, file.Read<float>(dataset, {stages.size(), transitions}));
  for (size_t i = 0; i < stages.size(); ++i) {
    const auto first = all.values.begin() + static_cast<ptrdiff_t>(i * transitions);
    (stages[i].*measure).assign(first, first + static_cast<ptrdiff_t>(transitions));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<GapData> ReadGapData(const std::string& path) {
  ESTUARY_ASSIGN_OR_RETURN(const hdf5::File file, hdf5::File::Open(path));
  ESTUARY_ASSIGN_OR_RETURN(auto observations,
                           file.Read<float>("/observations", {hdf5::kAnySize, hdf5::kAnySize}));
  ESTUARY_ASSIGN_OR_RETURN(const auto steps,
                           file.Read<uint64_t>("/gradient_steps", {hdf5::kAnySize}));
  GapData data;
  const size_t transitions = observations.shape[0];
  data.observation_dim = static_cast<int>(observations.shape[1]);
  data.observations = std::move(observations.values);
  ESTUARY_ASSIGN_OR_RETURN(data.simulated, file.Attribute<uint64_t>("/", "simulated"));
  if (data.simulated > transitions) {
    return absl::InvalidArgumentError(absl::StrCat("'", path, "' calls ", data.simulated, " of ",
                                                   transitions, " transitions simulated"));
  }
  for (const uint64_t count : steps.values) {
    data.stages.push_back({.gradient_steps = count});
  }
  ESTUARY_RETURN_IF_ERROR(ReadMeasure(file, "/u", transitions, &GapStage::u, data.stages));
  ESTUARY_RETURN_IF_ERROR(
      ReadMeasure(file, "/log_ratio", transitions, &GapStage::log_ratio, data.stages));
  ESTUARY_RETURN_IF_ERROR(ReadMeasure(file, "/q", transitions, &GapStage::q, data.stages));
  return data;
}

}  // namespace estuary::cli
