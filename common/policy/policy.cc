#include "common/policy/policy.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/policy/check.h"
#include "common/policy/floats.h"
#include "common/policy/network.h"
#include "common/policy/test_vector.h"
#include "common/process/status.h"

namespace estuary::policy {

struct Policy::Impl {
  Network network;
  std::vector<float> mean;
  std::vector<float> scale;
  float log_std_multiplier = 1;
  float log_std_offset = 0;
  float log_std_min = 0;
  float log_std_max = 0;

  // Up to the workspace's rows: the network's output, [mean, log_std_raw] a row.
  const float* Forward(const float* observations, int rows, Workspace::Impl& workspace) const;
};

struct Policy::Workspace::Impl {
  int rows = 0;
  size_t row_floats = 0;
  AlignedFloats input;
  AlignedFloats scratch_a;
  AlignedFloats scratch_b;
};

Policy::Workspace::Workspace(const Policy& policy, int rows) : impl_(std::make_unique<Impl>()) {
  const Network& network = policy.impl_->network;
  impl_->rows = std::max(rows, 1);
  impl_->row_floats = network.stride();
  impl_->input = AlignedFloats(static_cast<size_t>(impl_->rows) * network.inputs());
  impl_->scratch_a = AlignedFloats(static_cast<size_t>(impl_->rows) * network.stride());
  impl_->scratch_b = AlignedFloats(static_cast<size_t>(impl_->rows) * network.stride());
}
Policy::Workspace::~Workspace() = default;
Policy::Workspace::Workspace(Workspace&&) noexcept = default;
Policy::Workspace& Policy::Workspace::operator=(Workspace&&) noexcept = default;

const float* Policy::Impl::Forward(const float* observations, int rows,
                                   Workspace::Impl& workspace) const {
  const int dim = network.inputs();
  float* x = workspace.input.data();
  for (int r = 0; r < rows; ++r) {
    for (int i = 0; i < dim; ++i) {
      x[r * dim + i] = (observations[r * dim + i] - mean[i]) * scale[i];
    }
  }
  return network.Forward(x, dim, rows, workspace.scratch_a.data(), workspace.scratch_b.data());
}

Policy::Policy() : impl_(std::make_unique<Impl>()) {}
Policy::~Policy() = default;

absl::StatusOr<std::shared_ptr<const Policy>> Policy::FromProto(const v1::PolicyVersion& version) {
  ESTUARY_RETURN_IF_ERROR(CheckPolicyVersion(version));
  std::shared_ptr<Policy> policy(new Policy());
  policy->version_ = version.version();
  policy->run_id_ = version.run_id();
  policy->task_ = version.task();
  policy->observation_dim_ = static_cast<int>(version.observation_dim());
  policy->action_dim_ = static_cast<int>(version.action_dim());
  Impl& impl = *policy->impl_;
  impl.mean = ToFloats(version.observation_mean());
  impl.scale = ToFloats(version.observation_scale());
  impl.log_std_multiplier = version.log_std_multiplier();
  impl.log_std_offset = version.log_std_offset();
  impl.log_std_min = version.log_std_min();
  impl.log_std_max = version.log_std_max();
  for (const v1::DenseLayer& layer : version.layers()) {
    impl.network.AddLayer(static_cast<int>(layer.inputs()), static_cast<int>(layer.outputs()),
                          ToFloats(layer.weight()).data(), ToFloats(layer.bias()).data());
  }

  Workspace workspace(*policy, 1);
  std::vector<float> action(policy->action_dim_);
  policy->Act(version.test_observation(), 1, workspace, absl::MakeSpan(action));
  const std::vector<double> tolerance = TestTolerance(version);
  for (int i = 0; i < policy->action_dim_; ++i) {
    // Written so that NaN fails.
    if (!(std::abs(static_cast<double>(action[i]) - version.test_action(i)) <= tolerance[i])) {
      return absl::InvalidArgumentError(absl::StrCat(
          "policy version ", version.version(), " of run '", version.run_id(),
          "': at its test observation action[", i, "] is ", action[i], " here but ",
          version.test_action(i),
          " at its sender; do both sides mean the same network and are its numbers in range?"));
    }
  }
  return std::shared_ptr<const Policy>(std::move(policy));
}

absl::Status Policy::CheckFits(const std::string& task, int observation_dim, int action_dim) const {
  if (task == task_ && observation_dim == observation_dim_ && action_dim == action_dim_) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "policy version ", version_, " of run '", run_id_, "' is for task '", task_, "' (",
      observation_dim_, " observations, ", action_dim_, " actions), needed is one for task '", task,
      "' (", observation_dim, " observations, ", action_dim, " actions)"));
}

void Policy::Act(absl::Span<const float> observations, int rows, Workspace& workspace,
                 absl::Span<float> actions) const {
  assert(workspace.impl_->row_floats == static_cast<size_t>(impl_->network.stride()));
  for (int first = 0; first < rows; first += workspace.impl_->rows) {
    const int count = std::min(workspace.impl_->rows, rows - first);
    const float* output =
        impl_->Forward(&observations[first * observation_dim_], count, *workspace.impl_);
    for (int r = 0; r < count; ++r) {
      const float* mean = output + static_cast<size_t>(r) * impl_->network.stride();
      float* action = &actions[(first + r) * action_dim_];
      for (int i = 0; i < action_dim_; ++i) action[i] = std::tanh(mean[i]);
    }
  }
}

void Policy::ActStochastic(absl::Span<const float> observations, absl::Span<const float> noise,
                           int rows, Workspace& workspace, absl::Span<float> actions) const {
  assert(workspace.impl_->row_floats == static_cast<size_t>(impl_->network.stride()));
  const Impl& impl = *impl_;
  for (int first = 0; first < rows; first += workspace.impl_->rows) {
    const int count = std::min(workspace.impl_->rows, rows - first);
    const float* output =
        impl.Forward(&observations[first * observation_dim_], count, *workspace.impl_);
    for (int r = 0; r < count; ++r) {
      const float* mean = output + static_cast<size_t>(r) * impl.network.stride();
      const float* log_std_raw = mean + action_dim_;
      const int base = (first + r) * action_dim_;
      for (int i = 0; i < action_dim_; ++i) {
        const float log_std =
            std::clamp(impl.log_std_multiplier * log_std_raw[i] + impl.log_std_offset,
                       impl.log_std_min, impl.log_std_max);
        actions[base + i] = std::tanh(mean[i] + std::exp(log_std) * noise[base + i]);
      }
    }
  }
}

}  // namespace estuary::policy
