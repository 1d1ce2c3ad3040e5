#include "common/policy/check.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/process/files.h"
#include "common/process/status.h"

namespace estuary::policy {
namespace {

template <typename... Parts>
absl::Status Bad(const v1::PolicyVersion& version, const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat("policy version ", version.version(), " of run '",
                                                 version.run_id(), "': ", parts...));
}

absl::Status CheckFloats(const v1::PolicyVersion& version, const std::string& what,
                         const std::string& bytes, uint64_t count) {
  if (bytes.size() != count * sizeof(float)) {
    return Bad(version, what, " must have ", count * sizeof(float), " bytes (", count,
               " float32), got ", bytes.size());
  }
  for (uint64_t i = 0; i < count; ++i) {
    float value;
    std::memcpy(&value, bytes.data() + i * sizeof(float), sizeof(float));
    if (!std::isfinite(value)) return Bad(version, what, "[", i, "] is ", value, ", not finite");
  }
  return absl::OkStatus();
}

absl::Status CheckDimension(const v1::PolicyVersion& version, const std::string& what,
                            uint32_t value) {
  if (value >= 1 && value <= kMaxWidth) return absl::OkStatus();
  return Bad(version, what, " is ", value, "; it may be 1 to ", kMaxWidth);
}

absl::Status CheckLayers(const v1::PolicyVersion& version) {
  if (version.layers_size() < 1 || version.layers_size() > kMaxLayers) {
    return Bad(version, "has ", version.layers_size(), " layers; it may have 1 to ", kMaxLayers);
  }
  uint32_t inputs = version.observation_dim();
  for (int i = 0; i < version.layers_size(); ++i) {
    const v1::DenseLayer& layer = version.layers(i);
    const std::string name = absl::StrCat("layer ", i);
    ESTUARY_RETURN_IF_ERROR(
        CheckDimension(version, absl::StrCat(name, " outputs"), layer.outputs()));
    if (layer.inputs() != inputs) {
      return Bad(version, name, " takes ", layer.inputs(), " inputs, but ",
                 i == 0 ? "the observation has " : "the layer before it gives ", inputs);
    }
    const uint64_t weights = uint64_t{layer.inputs()} * layer.outputs();
    ESTUARY_RETURN_IF_ERROR(
        CheckFloats(version, absl::StrCat(name, " weight"), layer.weight(), weights));
    ESTUARY_RETURN_IF_ERROR(
        CheckFloats(version, absl::StrCat(name, " bias"), layer.bias(), layer.outputs()));
    inputs = layer.outputs();
  }
  if (inputs != 2 * version.action_dim()) {
    return Bad(version, "the last layer gives ", inputs, " outputs, but mean and log_std of ",
               version.action_dim(), " actions need ", 2 * version.action_dim());
  }
  return absl::OkStatus();
}

absl::Status CheckLogStd(const v1::PolicyVersion& version) {
  const float fields[] = {version.log_std_multiplier(), version.log_std_offset(),
                          version.log_std_min(), version.log_std_max()};
  const char* const names[] = {"log_std_multiplier", "log_std_offset", "log_std_min",
                               "log_std_max"};
  for (int i = 0; i < 4; ++i) {
    if (!std::isfinite(fields[i])) return Bad(version, names[i], " is ", fields[i]);
  }
  if (version.log_std_min() > version.log_std_max()) {
    return Bad(version, "log_std_min ", version.log_std_min(), " is above log_std_max ",
               version.log_std_max());
  }
  return absl::OkStatus();
}

absl::Status CheckTestVector(const v1::PolicyVersion& version) {
  if (version.test_observation_size() != static_cast<int>(version.observation_dim()) ||
      version.test_action_size() != static_cast<int>(version.action_dim())) {
    return Bad(version, "test_observation and test_action must have ", version.observation_dim(),
               " and ", version.action_dim(), " numbers, got ", version.test_observation_size(),
               " and ", version.test_action_size());
  }
  for (const float value : version.test_observation()) {
    if (!std::isfinite(value)) return Bad(version, "test_observation holds ", value);
  }
  for (const float value : version.test_action()) {
    if (!std::isfinite(value)) return Bad(version, "test_action holds ", value);
  }
  return absl::OkStatus();
}

}  // namespace

std::string HashPolicyVersion(const v1::PolicyVersion& version) {
  if (version.sha256().empty()) return process::Sha256(version.SerializeAsString());
  v1::PolicyVersion unsealed = version;
  unsealed.clear_sha256();
  return process::Sha256(unsealed.SerializeAsString());
}

absl::Status CheckPolicyVersion(const v1::PolicyVersion& version) {
  if (const std::string hash = HashPolicyVersion(version); hash != version.sha256()) {
    return Bad(version, "sha256 says '", version.sha256(), "', its content gives '", hash,
               "'; it was damaged on its way or in its file");
  }
  if (version.version() == 0 || version.version() > std::numeric_limits<uint32_t>::max()) {
    return Bad(version, "version is ", version.version(), "; versions count from 1 to ",
               std::numeric_limits<uint32_t>::max());
  }
  if (version.task().empty()) return Bad(version, "names no task");
  ESTUARY_RETURN_IF_ERROR(CheckDimension(version, "observation_dim", version.observation_dim()));
  ESTUARY_RETURN_IF_ERROR(CheckDimension(version, "action_dim", version.action_dim()));
  ESTUARY_RETURN_IF_ERROR(CheckFloats(version, "observation_mean", version.observation_mean(),
                                      version.observation_dim()));
  ESTUARY_RETURN_IF_ERROR(CheckFloats(version, "observation_scale", version.observation_scale(),
                                      version.observation_dim()));
  ESTUARY_RETURN_IF_ERROR(CheckLayers(version));
  ESTUARY_RETURN_IF_ERROR(CheckLogStd(version));
  return CheckTestVector(version);
}

}  // namespace estuary::policy
