#include "learner/core/cuda/net_layout.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace estuary::learner::cuda {
namespace {

NetLayout Declare(ParameterGroup& group, const std::vector<std::string>& prefixes, int in,
                  const std::vector<int>& hidden, int out, LastLayer last) {
  std::vector<int64_t> sizes = {in};
  sizes.insert(sizes.end(), hidden.begin(), hidden.end());
  sizes.push_back(out);
  const size_t first = group.AddMlp(prefixes, sizes, last);
  NetLayout net;
  net.layers = static_cast<int>(sizes.size()) - 1;
  net.twins = static_cast<int>(prefixes.size());
  for (int i = 0; i <= net.layers; ++i) net.sizes[i] = static_cast<int>(sizes[i]);
  for (int i = 0; i < net.layers; ++i) {
    net.weight[i] = static_cast<int>(group.offset(first + 2 * i));
    net.bias[i] = static_cast<int>(group.offset(first + 2 * i + 1));
  }
  return net;
}

int SizeOf(const ParameterGroup& group) {
  return static_cast<int>(group.offset(std::numeric_limits<size_t>::max()));
}

}  // namespace

NetLayouts::NetLayouts(const LearnerConfig& config)
    : has_discriminators(config.algorithm.NeedsDiscriminators()),
      has_model(config.algorithm.NeedsDynamicsModel()) {
  const NetworkConfig& n = config.networks;
  const int o = config.observation_dim, a = config.action_dim;
  const bool trained = !n.fixed_log_std;
  policy = Declare(main, {"policy"}, o, n.hidden, 2 * a, LastLayer::kNearZero);
  const size_t scalar = main.AddScalar("policy/log_std_multiplier", n.log_std_multiplier, trained);
  multiplier = static_cast<int>(main.offset(scalar));
  offset = static_cast<int>(
      main.offset(main.AddScalar("policy/log_std_offset", n.log_std_offset, trained)));
  critics_begin = SizeOf(main);
  critics = Declare(main, {"q1", "q2"}, o + a, n.hidden, 1, LastLayer::kNearZero);
  log_alpha = static_cast<int>(main.offset(main.AddScalar(
      "log_alpha", std::log(config.optimizer.initial_temperature), /*trained=*/true)));
  if (config.algorithm.NeedsValue()) {
    value = Declare(main, {"v"}, o, n.hidden, 1, LastLayer::kNearZero);
  }
  main_size = SizeOf(main);
  targets =
      Declare(target_group, {"q1_target", "q2_target"}, o + a, n.hidden, 1, LastLayer::kNearZero);
  targets_size = SizeOf(target_group);
  if (has_model) {
    model =
        Declare(model_group, {"dynamics"}, o + a, n.dynamics_hidden, 2 * o, LastLayer::kDefault);
    model_size = SizeOf(model_group);
  }
  if (!has_discriminators) return;
  sa = Declare(discriminators, {"d_sa"}, o + a, n.discriminator_hidden, 2, LastLayer::kDefault);
  sas =
      Declare(discriminators, {"d_sas"}, 2 * o + a, n.discriminator_hidden, 2, LastLayer::kDefault);
  discriminators_size = SizeOf(discriminators);
}

void NetLayouts::Initialize(const at::Generator& generator, at::TensorOptions options) {
  const at::NoGradGuard no_grad;
  main.Allocate(options);
  main.Initialize(generator);
  target_group.Allocate(options);
  at::Tensor(target_group.flat()).copy_(main.flat().narrow(0, critics_begin, targets_size));
  if (has_model) {
    model_group.Allocate(options);
    model_group.Initialize(generator);
  }
  if (!has_discriminators) return;
  discriminators.Allocate(options);
  discriminators.Initialize(generator);
}

}  // namespace estuary::learner::cuda
