#include "learner/core/eager/input_scaling.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "learner/core/parameters.h"

namespace estuary::learner {
namespace {

// Added to the dataset's standard deviations, as the authors do.
constexpr double kStdFloor = 1e-3;
// Of differences, which may be small numbers throughout; only keeps a constant dimension finite.
constexpr double kDifferenceStdFloor = 1e-6;

at::Tensor FromVector(const std::vector<double>& values, at::TensorOptions options) {
  return FromHost({{static_cast<int64_t>(values.size())}, values}, options);
}

absl::Status ImportVector(const TensorTree& tree, const std::string& path,
                          std::vector<double>& values) {
  auto found = Find(tree, path, {static_cast<int64_t>(values.size())}, "the saved state");
  if (!found.ok()) return found.status();
  values = (*found)->values;
  return absl::OkStatus();
}

}  // namespace

InputScaling::InputScaling(const LearnerConfig& config, at::TensorOptions options)
    : config_(config),
      options_(options),
      difference_(config.algorithm.discriminator_input == DiscriminatorInput::kScaledDifference) {
  const size_t dim = static_cast<size_t>(config.observation_dim);
  mean_.assign(dim, 0);
  scale_.assign(dim, 1);
  difference_mean_.assign(dim, 0);
  difference_std_.assign(dim, 1);
}

absl::StatusOr<InputScaling> InputScaling::Restore(const LearnerConfig& config,
                                                   const TensorTree& tree,
                                                   at::TensorOptions options) {
  InputScaling s(config, options);
  // A state of an algorithm without noise on next states has no scale for it.
  const auto state_std = tree.find("scaling/state_std");
  if (state_std != tree.end()) s.state_std_values_.resize(state_std->second.values.size());
  if (auto status = s.Import(tree); !status.ok()) return status;
  return s;
}

absl::StatusOr<InputScaling> InputScaling::Create(const LearnerConfig& config,
                                                  const DeviceReplay* real,
                                                  at::TensorOptions options) {
  InputScaling s(config, options);
  const size_t dim = s.mean_.size();
  if (!config.networks.observation_scale.empty()) {
    s.scale_.assign(config.networks.observation_scale.begin(),
                    config.networks.observation_scale.end());
  }
  const bool differences = s.difference_ && config.algorithm.NeedsDiscriminators();
  const bool noise = config.algorithm.NeedsGap() && real != nullptr;
  if (config.networks.normalize_observations || differences || noise) {
    if (real == nullptr) {
      return absl::FailedPreconditionError(
          "the dataset's statistics are asked for (normalize_observations or scaled differences), "
          "but there is no real table");
    }
    const auto moments = real->Moments();
    if (!moments.ok()) return moments.status();
    for (size_t i = 0; i < dim; ++i) {
      if (config.networks.normalize_observations) {
        s.mean_[i] = moments->observation_mean[i];
        s.scale_[i] = 1 / (moments->observation_std[i] + kStdFloor);
      }
      s.difference_mean_[i] = moments->difference_mean[i];
      s.difference_std_[i] = std::max(moments->difference_std[i], kDifferenceStdFloor);
    }
    if (differences) {
      // One unit of the scaled difference.
      s.state_std_values_ = s.difference_std_;
    } else {
      s.state_std_values_ = config.algorithm.next_state_noise == NextStateNoise::kAuthorsCode
                                ? moments->padded_observation_std
                                : moments->observation_std;
      for (double& std : s.state_std_values_) std += kStdFloor;
    }
  }
  s.Build();
  return s;
}

void InputScaling::Build() {
  const RowLayout layout{config_.observation_dim, config_.action_dim};
  std::vector<double> shift(static_cast<size_t>(layout.width()), 0);
  std::vector<double> scale(static_cast<size_t>(layout.width()), 1);
  for (size_t i = 0; i < scale_.size(); ++i) {
    for (const size_t at : {i, i + static_cast<size_t>(layout.next_observation_at())}) {
      scale[at] = scale_[i];
      shift[at] = -mean_[i] * scale_[i];
    }
  }
  scale[static_cast<size_t>(layout.reward_at())] = config_.optimizer.reward_scale;
  row_shift_ = FromVector(shift, options_);
  row_scale_ = FromVector(scale, options_);

  for (size_t i = 0; difference_ && i < scale_.size(); ++i) {
    const size_t at = i + static_cast<size_t>(layout.next_observation_at());
    scale[at] = 1 / difference_std_[i];
    shift[at] = -difference_mean_[i] / difference_std_[i];
  }
  shift.resize(static_cast<size_t>(layout.reward_at()));
  scale.resize(static_cast<size_t>(layout.reward_at()));
  sas_shift_ = FromVector(shift, options_);
  sas_scale_ = FromVector(scale, options_);
  difference_shift_ = FromVector(difference_mean_, options_);
  difference_scale_ = FromVector(difference_std_, options_);
  if (!state_std_values_.empty()) state_std_ = FromVector(state_std_values_, options_);
}

at::Tensor InputScaling::Rows(const at::Tensor& raw) const {
  return at::addcmul(row_shift_, raw.to(row_scale_.scalar_type()), row_scale_);
}

at::Tensor InputScaling::DiscriminatorInputs(const at::Tensor& raw) const {
  at::Tensor sas = raw.narrow(1, 0, sas_scale_.size(0)).to(sas_scale_.scalar_type());
  if (difference_) {
    const RowLayout layout{config_.observation_dim, config_.action_dim};
    sas = sas.clone();
    sas.narrow(1, layout.next_observation_at(), layout.observation)
        .sub_(sas.narrow(1, 0, layout.observation));
  }
  return at::addcmul(sas_shift_, sas, sas_scale_);
}

at::Tensor InputScaling::DiscriminatorInputs(const at::Tensor& raw,
                                             const at::Tensor& scaled) const {
  return difference_ ? DiscriminatorInputs(raw) : scaled.narrow(1, 0, sas_scale_.size(0));
}

at::Tensor InputScaling::DiscriminatorNext(const at::Tensor& raw,
                                           const at::Tensor& differences) const {
  if (difference_) return differences;
  const RowLayout layout{config_.observation_dim, config_.action_dim};
  const int64_t at = layout.next_observation_at(), o = layout.observation;
  const at::Tensor before =
      at::add(raw.narrow(1, 0, o).to(sas_scale_.scalar_type()), difference_shift_);
  const at::Tensor next = at::addcmul(before.unsqueeze(1), differences, difference_scale_);
  return at::addcmul(sas_shift_.narrow(0, at, o), next, sas_scale_.narrow(0, at, o));
}

at::Tensor InputScaling::Differences(const at::Tensor& raw) const {
  const RowLayout layout{config_.observation_dim, config_.action_dim};
  const at::Tensor all = raw.to(sas_scale_.scalar_type());
  const at::Tensor difference =
      at::sub(all.narrow(1, layout.next_observation_at(), layout.observation),
              all.narrow(1, 0, layout.observation));
  return at::div(at::sub(difference, difference_shift_), difference_scale_);
}

at::Tensor InputScaling::DiscriminatorStd(const at::Tensor& raw_std) const {
  const RowLayout layout{config_.observation_dim, config_.action_dim};
  return at::mul(raw_std, sas_scale_.narrow(0, layout.next_observation_at(), layout.observation));
}

void InputScaling::Export(TensorTree& tree) const {
  const auto add = [&tree](const char* path, const std::vector<double>& values) {
    tree[path] = {{static_cast<int64_t>(values.size())}, values};
  };
  add("scaling/observation_mean", mean_);
  add("scaling/observation_scale", scale_);
  add("scaling/difference_mean", difference_mean_);
  add("scaling/difference_std", difference_std_);
  add("scaling/state_std", state_std_values_);
}

absl::Status InputScaling::Import(const TensorTree& tree) {
  InputScaling loaded = *this;
  auto status = ImportVector(tree, "scaling/observation_mean", loaded.mean_);
  status.Update(ImportVector(tree, "scaling/observation_scale", loaded.scale_));
  status.Update(ImportVector(tree, "scaling/difference_mean", loaded.difference_mean_));
  status.Update(ImportVector(tree, "scaling/difference_std", loaded.difference_std_));
  status.Update(ImportVector(tree, "scaling/state_std", loaded.state_std_values_));
  if (!status.ok()) return status;
  loaded.Build();
  *this = std::move(loaded);
  return absl::OkStatus();
}

}  // namespace estuary::learner
