#include "learner/core/native/scaling.h"

#include <ATen/core/Tensor.h>

#include <exception>

#include "absl/strings/str_cat.h"
#include "learner/core/eager/input_scaling.h"

namespace estuary::learner::native {

absl::StatusOr<Scaling> Scaling::Create(const LearnerConfig& config, const DeviceReplay* real) {
  try {
    const auto numbers = InputScaling::Create(config, real, at::TensorOptions().dtype(at::kDouble));
    if (!numbers.ok()) return numbers.status();
    Scaling scaling;
    numbers->Export(scaling.tree_);
    scaling.difference_ =
        config.algorithm.discriminator_input == DiscriminatorInput::kScaledDifference;
    scaling.action_dim_ = config.action_dim;
    scaling.Build(config.action_dim);
    return scaling;
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("the inputs' scaling failed: ", error.what()));
  }
}

void Scaling::Build(int action_dim) {
  const std::vector<double>& mean = observation_mean();
  const std::vector<double>& scale = observation_scale();
  const std::vector<double>& difference_mean = tree_.at(kDifferenceMean).values;
  const std::vector<double>& difference_std = tree_.at(kDifferenceStd).values;
  state_std_ = tree_.at(kStd).values;
  const size_t o = mean.size(), a = static_cast<size_t>(action_dim);
  scale_.assign(2 * o + a, 1);
  shift_.assign(2 * o + a, 0);
  for (size_t i = 0; i < o; ++i) {
    scale_[i] = scale_[o + a + i] = static_cast<float>(scale[i]);
    shift_[i] = shift_[o + a + i] = static_cast<float>(-mean[i] * scale[i]);
  }
  model_scale_.assign(o, 1);
  model_shift_.assign(o, 0);
  for (size_t i = 0; !difference_ && i < o; ++i) {
    model_scale_[i] = static_cast<float>(difference_std[i] * scale[i]);
    model_shift_[i] = static_cast<float>(difference_mean[i] * scale[i]);
  }
  discriminator_scale_ = scale_;
  discriminator_shift_ = shift_;
  for (size_t i = 0; difference_ && i < o; ++i) {
    discriminator_scale_[o + a + i] = static_cast<float>(1 / difference_std[i]);
    discriminator_shift_[o + a + i] = static_cast<float>(-difference_mean[i] / difference_std[i]);
  }
}

absl::Status Scaling::Import(const TensorTree& tree) {
  Scaling loaded = *this;
  for (auto& [path, tensor] : loaded.tree_) {
    const auto found = Find(tree, path, tensor.shape, "the saved state");
    if (!found.ok()) return found.status();
    tensor = **found;
  }
  loaded.Build(action_dim_);
  *this = std::move(loaded);
  return absl::OkStatus();
}

}  // namespace estuary::learner::native
