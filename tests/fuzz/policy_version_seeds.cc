#include "tests/common/policy/policies.h"
#include "tests/fuzz/seeds.h"

namespace estuary::fuzz {

void SeedPolicyVersion(Seeds& seeds) {
  using policy::testing::MakePolicyVersion;
  const std::string as_it_is(1, '\0');
  const std::string sealed(1, '\1');
  const v1::PolicyVersion small =
      MakePolicyVersion({.observation_dim = 3, .action_dim = 2, .hidden = {4}});
  seeds.Add("small", as_it_is + small.SerializeAsString());
  seeds.Add("small_sealed", sealed + small.SerializeAsString());
  const v1::PolicyVersion deep =
      MakePolicyVersion({.observation_dim = 4, .action_dim = 1, .hidden = {3, 5, 2}});
  seeds.Add("deep", sealed + deep.SerializeAsString());
  v1::PolicyVersion wrong = small;
  wrong.mutable_layers(0)->set_inputs(1 << 20);
  seeds.Add("wide", sealed + wrong.SerializeAsString());
}

}  // namespace estuary::fuzz
