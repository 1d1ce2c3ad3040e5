// What happens to a raw row before any net sees it: observations shifted and scaled by fixed
// numbers, rewards scaled; for the discriminators, s' as such or as a scaled difference. Also the
// noise of eq. 33's next states, which comes from the same statistics.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "absl/status/statusor.h"
#include "learner/core/config.h"
#include "learner/core/replay/replay_storage.h"
#include "learner/core/tensor_tree.h"

namespace estuary::learner {

class InputScaling {
 public:
  // `real` may be null where nothing depends on the dataset, or where the caller gives the noise
  // itself (then state_std() is undefined).
  static absl::StatusOr<InputScaling> Create(const LearnerConfig& config, const DeviceReplay* real,
                                             at::TensorOptions options);

  // Of a saved state alone, where the dataset is not at hand.
  static absl::StatusOr<InputScaling> Restore(const LearnerConfig& config, const TensorTree& tree,
                                              at::TensorOptions options);

  // [rows, width] raw -> scaled, in the nets' precision.
  at::Tensor Rows(const at::Tensor& raw) const;
  // The discriminators' (s, a, s') of raw rows [rows, at least 2 o + a].
  at::Tensor DiscriminatorInputs(const at::Tensor& raw) const;
  // The same where Rows(raw) is at hand already.
  at::Tensor DiscriminatorInputs(const at::Tensor& raw, const at::Tensor& scaled) const;
  // s' in the discriminators' units, [n, N, observation], from raw rows [n, width] and differences
  // s' - s in units of D's.
  at::Tensor DiscriminatorNext(const at::Tensor& raw, const at::Tensor& differences) const;
  // s' - s of raw rows in units of D's.
  at::Tensor Differences(const at::Tensor& raw) const;
  // A standard deviation of s' in the units of the discriminators' s'.
  at::Tensor DiscriminatorStd(const at::Tensor& raw_std) const;

  // Of eq. 33's next states, raw units, [observation].
  const at::Tensor& state_std() const { return state_std_; }
  // x = (observation - mean) * scale.
  const std::vector<double>& observation_mean() const { return mean_; }
  const std::vector<double>& observation_scale() const { return scale_; }

  // "scaling/..." in a saved state.
  void Export(TensorTree& tree) const;
  absl::Status Import(const TensorTree& tree);

 private:
  // Scales nothing yet, and has no tensors.
  InputScaling(const LearnerConfig& config, at::TensorOptions options);

  // Rebuilds the tensors from the numbers.
  void Build();

  LearnerConfig config_;
  at::TensorOptions options_;
  std::vector<double> mean_, scale_;
  // Of s' - s; used where the discriminators see scaled differences, and by the dynamics' model.
  std::vector<double> difference_mean_, difference_std_;
  std::vector<double> state_std_values_;
  bool difference_ = false;
  at::Tensor row_shift_, row_scale_;
  at::Tensor sas_shift_, sas_scale_;
  at::Tensor difference_shift_, difference_scale_;
  at::Tensor state_std_;
};

}  // namespace estuary::learner
