// Explicit batches and parameters for one step, by the paths of update_trace.md.
#pragma once

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "learner/core/config.h"
#include "learner/core/tensor_tree.h"

namespace estuary::learner {

// A step large enough to share between threads.
inline LearnerConfig WideConfig(const std::string& algorithm) {
  LearnerConfig config;
  config.observation_dim = 3;
  config.action_dim = 2;
  config.algorithm = *AlgorithmByName(algorithm);
  config.algorithm.cql_actions = 2;
  config.algorithm.dynamics_model.steps = 5;
  config.networks.hidden = config.networks.discriminator_hidden = {96, 96};
  config.optimizer.batch_size = 256;
  return config;
}

class RandomInputs {
 public:
  RandomInputs(const LearnerConfig& config, unsigned seed) : config_(config), random_(seed) {}

  // `rows` transitions of each source, and as many for the discriminators.
  TensorTree Batch(int64_t rows) {
    const int64_t o = config_.observation_dim, a = config_.action_dim;
    const AlgorithmConfig& algorithm = config_.algorithm;
    TensorTree tree;
    int64_t all = 0;
    const auto transitions = [&](const std::string& group, bool with_reward) {
      tree[group + "/observation"] = Normal({rows, o});
      tree[group + "/action"] = Uniform({rows, a});
      tree[group + "/next_observation"] = Normal({rows, o});
      if (!with_reward) return;
      tree[group + "/reward"] = Normal({rows});
      tree[group + "/terminal"] = Uniform({rows});
      for (double& value : tree[group + "/terminal"].values) value = value > 0.8 ? 1 : 0;
      all += rows;
    };
    if (algorithm.UsesReal()) transitions("batch/real", true);
    if (algorithm.UsesSim()) transitions("batch/sim", true);
    if (algorithm.NeedsDiscriminators()) {
      for (const std::string source : {"real", "sim"}) {
        transitions("discriminator_batch/" + source, false);
        const std::string noise = "noise/discriminator/" + source;
        tree[noise + "/observation"] = Normal({rows, o});
        tree[noise + "/action"] = Normal({rows, a});
        tree[noise + "/next_observation"] = Normal({rows, o});
      }
    }
    tree["noise/policy"] = Normal({all, a});
    tree["noise/next_policy"] = Normal({all, a});
    if (algorithm.NeedsGap()) {
      tree["noise/next_state"] = Normal({rows, algorithm.gap_samples, o});
    }
    if (algorithm.NeedsGap() && !algorithm.NeedsDynamicsModel()) {
      tree["state_std"] = Uniform({o});
      for (double& value : tree["state_std"].values) value = 1 + 0.5 * value;
    }
    if (algorithm.regularizer == Regularizer::kCql) {
      const std::vector<int64_t> shape = {rows, algorithm.cql_actions, a};
      tree["noise/cql/current"] = Normal(shape);
      tree["noise/cql/next"] = Normal(shape);
      tree["noise/cql/uniform"] = Uniform(shape);
    }
    return tree;
  }

  // Numbers of the size that training leads to, for every path of `like`; exact in float32.
  TensorTree Parameters(const TensorTree& like) {
    TensorTree tree;
    for (const auto& [path, tensor] : like) {
      HostTensor values = Normal(tensor.shape);
      const double width = tensor.shape.size() == 2 ? static_cast<double>(tensor.shape[1]) : 4;
      for (double& value : values.values) value = Rounded(value / std::sqrt(width));
      tree[path] = values;
    }
    tree["log_alpha"] = HostTensor::Scalar(-0.5);
    tree["policy/log_std_multiplier"] = HostTensor::Scalar(0.75);
    tree["policy/log_std_offset"] = HostTensor::Scalar(-1.25);
    return tree;
  }

 private:
  static double Rounded(double value) { return static_cast<float>(value); }

  HostTensor Normal(const std::vector<int64_t>& shape) {
    std::normal_distribution<double> normal;
    return Fill(shape, [&] { return normal(random_); });
  }
  HostTensor Uniform(const std::vector<int64_t>& shape) {
    std::uniform_real_distribution<double> uniform(-1, 1);
    return Fill(shape, [&] { return uniform(random_); });
  }
  template <typename Draw>
  static HostTensor Fill(const std::vector<int64_t>& shape, Draw draw) {
    HostTensor tensor{shape, std::vector<double>(static_cast<size_t>(ElementCount(shape)))};
    for (double& value : tensor.values) value = Rounded(draw());
    return tensor;
  }

  LearnerConfig config_;
  std::mt19937 random_;
};

}  // namespace estuary::learner
