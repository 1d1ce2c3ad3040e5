#include "common/policy/export/arrays.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/policy/check.h"
#include "common/policy/floats.h"
#include "common/process/status.h"

namespace estuary::policy {

absl::StatusOr<PolicyArrays> ToArrays(const v1::PolicyVersion& version) {
  ESTUARY_RETURN_IF_ERROR(CheckPolicyVersion(version));
  PolicyArrays out;
  const auto add = [&out](std::string name, std::vector<uint64_t> shape,
                          std::vector<float> values) {
    out.arrays.push_back({std::move(name), std::move(shape), std::move(values)});
  };
  add("observation_mean", {version.observation_dim()}, ToFloats(version.observation_mean()));
  add("observation_scale", {version.observation_dim()}, ToFloats(version.observation_scale()));
  for (int i = 0; i < version.layers_size(); ++i) {
    const v1::DenseLayer& layer = version.layers(i);
    add(absl::StrCat("policy/", i, "/weight"), {layer.outputs(), layer.inputs()},
        ToFloats(layer.weight()));
    add(absl::StrCat("policy/", i, "/bias"), {layer.outputs()}, ToFloats(layer.bias()));
  }
  add("policy/log_std_multiplier", {}, {version.log_std_multiplier()});
  add("policy/log_std_offset", {}, {version.log_std_offset()});
  add("policy/log_std_min", {}, {version.log_std_min()});
  add("policy/log_std_max", {}, {version.log_std_max()});
  out.numbers = {{"version", version.version()},
                 {"gradient_steps", version.gradient_steps()},
                 {"environment_steps", version.environment_steps()}};
  out.texts = {
      {"task", version.task()}, {"run_id", version.run_id()}, {"sha256", version.sha256()}};
  return out;
}

}  // namespace estuary::policy
