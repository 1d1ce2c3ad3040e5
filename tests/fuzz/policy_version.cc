// Policy versions as they come over a wire or from a file: a byte that says whether to make the
// checksum right, then a PolicyVersion.
#include <cmath>
#include <vector>

#include "common/policy/check.h"
#include "common/policy/policy.h"
#include "tests/fuzz/harness/fuzz.h"
#include "tests/fuzz/harness/quiet.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  estuary::fuzz::Input input(data, size);
  const bool seal = input.Byte() % 2 == 1;
  estuary::v1::PolicyVersion version;
  const absl::string_view bytes = input.Rest();
  if (!version.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return 0;
  if (seal) estuary::policy::SealPolicyVersion(version);
  const auto policy = estuary::policy::Policy::FromProto(version);
  if (!policy.ok()) return 0;
  FUZZ_CHECK(estuary::policy::CheckPolicyVersion(version).ok(), "made and not checked");
  constexpr int kRows = 3;
  const estuary::policy::Policy& p = **policy;
  estuary::policy::Policy::Workspace workspace(p, 2);
  const std::vector<float> observations(kRows * p.observation_dim(), 0.5F);
  std::vector<float> actions(kRows * p.action_dim());
  p.Act(observations, kRows, workspace, absl::MakeSpan(actions));
  for (const float action : actions) {
    FUZZ_CHECK(std::isnan(action) || std::abs(action) <= 1, "an action is in [-1, 1]");
  }
  return 0;
}
