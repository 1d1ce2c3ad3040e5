// The fixed numbers that inputs are shifted and scaled by (eager/input_scaling.h says which and
// why), as plain arrays.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "learner/core/config.h"
#include "learner/core/replay/device_replay.h"
#include "learner/core/tensor_tree.h"

namespace estuary::learner::native {

class Scaling {
 public:
  // `real` as InputScaling::Create takes it.
  static absl::StatusOr<Scaling> Create(const LearnerConfig& config, const DeviceReplay* real);

  const std::vector<double>& observation_mean() const { return tree_.at(kMean).values; }
  const std::vector<double>& observation_scale() const { return tree_.at(kScale).values; }
  // Of eq. 33's next states, raw units; empty where the caller of each step gives it.
  const std::vector<double>& state_std() const { return state_std_; }

  // x = raw * scale + shift, of [s, a, s'].
  const std::vector<float>& scale() const { return scale_; }
  const std::vector<float>& shift() const { return shift_; }
  // The same as the discriminators see it, where raw s' may have to be replaced by s' - s.
  bool difference() const { return difference_; }
  const std::vector<float>& discriminator_scale() const { return discriminator_scale_; }
  const std::vector<float>& discriminator_shift() const { return discriminator_shift_; }
  // From s' - s in units of D's, as the model of the dynamics predicts it, to the discriminators'
  // units: difference * scale + shift is what they see, or what is between s and s' as they see it.
  const std::vector<float>& model_scale() const { return model_scale_; }
  const std::vector<float>& model_shift() const { return model_shift_; }

  void Export(TensorTree& tree) const { tree.insert(tree_.begin(), tree_.end()); }
  absl::Status Import(const TensorTree& tree);

 private:
  static constexpr char kMean[] = "scaling/observation_mean";
  static constexpr char kScale[] = "scaling/observation_scale";
  static constexpr char kStd[] = "scaling/state_std";
  static constexpr char kDifferenceMean[] = "scaling/difference_mean";
  static constexpr char kDifferenceStd[] = "scaling/difference_std";

  void Build(int action_dim);

  TensorTree tree_;
  bool difference_ = false;
  int action_dim_ = 0;
  std::vector<double> state_std_;
  std::vector<float> scale_, shift_, discriminator_scale_, discriminator_shift_;
  std::vector<float> model_scale_, model_shift_;
};

}  // namespace estuary::learner::native
