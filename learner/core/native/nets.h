// Every parameter of the native engine in one flat array: policy, temperature, twin critics, V, the
// critics' targets, both discriminators, the model of the dynamics; with arrays of the same layout
// for gradients and Adam's moments.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "learner/core/config.h"
#include "learner/core/native/aligned.h"
#include "learner/core/native/mlp.h"
#include "learner/core/native/random.h"
#include "learner/core/tensor_tree.h"

namespace estuary::learner::native {

// Part of the flat arrays; whole vectors.
struct Range {
  int64_t begin = 0;
  int64_t size = 0;
};

class Nets {
 public:
  Nets(const LearnerConfig& config, Random& random);

  Nets(const Nets&) = delete;
  Nets& operator=(const Nets&) = delete;

  const MlpLayout& policy() const { return policy_; }
  const MlpLayout& critic(int i) const { return critics_[i]; }
  const MlpLayout& target(int i) const { return targets_[i]; }
  // Without layers where the algorithm has none, as are the following.
  const MlpLayout& value() const { return value_; }
  const MlpLayout& dynamics() const { return dynamics_; }
  const MlpLayout& d_sa() const { return d_sa_; }
  const MlpLayout& d_sas() const { return d_sas_; }
  MlpWeights weights() const { return {values_.data(), mirror_.data()}; }

  float multiplier() const { return values_[multiplier_]; }
  float offset() const { return values_[offset_]; }
  float log_alpha() const { return values_[log_alpha_]; }
  float& multiplier_gradient() { return gradient_[multiplier_]; }
  float& offset_gradient() { return gradient_[offset_]; }
  float& log_alpha_gradient() { return gradient_[log_alpha_]; }
  float* gradient() { return gradient_.data(); }

  // The policy with its two scalars.
  Range PolicyRange() const { return {policy_.begin(), critics_[0].begin() - policy_.begin()}; }
  Range CriticRange(int i) const { return {critics_[i].begin(), critics_[i].size()}; }
  Range ValueRange() const { return {value_.begin(), value_.size()}; }
  Range DiscriminatorRange() const;

  // One step of Adam of a net, its mirror with it, and of what follows it in the arrays up to
  // `end`. `follower` (null: none) is an array from the net's beginning on that moves towards the
  // new values by `follow`.
  void Adam(const MlpLayout& layout, int64_t end, double learning_rate, uint64_t step,
            float* follower, double follow);
  void AdamPolicy(double learning_rate, uint64_t step, float* follower, double follow);
  // Critic i, whose target moves towards it by tau.
  void AdamCritic(int i, double learning_rate, uint64_t step, double tau);
  void AdamDiscriminators(double learning_rate, uint64_t step);
  void AdamValue(double learning_rate, uint64_t step);
  void AdamAlpha(double learning_rate, uint64_t step);

  // Trees of paths as in update_trace.md under `prefix`.
  void ExportValues(const std::string& prefix, TensorTree& tree) const;
  void ExportGradients(const std::string& prefix, TensorTree& tree) const;
  void ExportMoments(TensorTree& tree) const;
  // All or nothing.
  absl::Status ImportValues(const std::string& prefix, const TensorTree& tree);
  absl::Status ImportAll(const TensorTree& tree);

  // An array of PolicyRange()'s size as one flat tensor: each layer's weights and biases in turn,
  // then the two scalars; and back.
  HostTensor PackPolicy(const float* range) const;
  void UnpackPolicy(const HostTensor& tensor, float* range) const;
  int64_t PolicyParameters() const;
  const float* values() const { return values_.data(); }
  // Root of the sum of squares of the gradient.
  double GradientNorm(const Range& range) const;

 private:
  struct Net {
    std::string name;
    const MlpLayout* layout;
    // No optimiser's: the targets and the model of the dynamics.
    bool constant;
    bool near_zero;
  };
  struct Scalar {
    std::string path;
    int64_t at;
  };

  // Calls visit(path, shape, function from index to place) for every tensor of `net`.
  template <typename Visit>
  static void ForTensors(const Net& net, Visit visit);
  void Export(const Floats& flat, bool constants, const std::string& prefix,
              TensorTree& tree) const;
  absl::Status Import(const TensorTree& tree, bool constants, const std::string& prefix,
                      Floats& flat) const;
  void Initialize(const LearnerConfig& config, Random& random);
  void RefreshAll();
  // Of [begin, begin + count) of the flat arrays; `follower` belongs to the first.
  void AdamRange(int64_t begin, int64_t count, const AdamRates& rates, float* follower,
                 float follow);

  MlpLayout policy_, critics_[2], targets_[2], value_, dynamics_, d_sa_, d_sas_;
  int64_t multiplier_ = 0, offset_ = 0, log_alpha_ = 0;
  std::vector<Net> nets_;
  std::vector<Scalar> scalars_;
  Floats values_, gradient_, first_, second_, mirror_;
};

}  // namespace estuary::learner::native
