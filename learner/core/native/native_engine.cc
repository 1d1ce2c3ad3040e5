#include "learner/core/native/native_engine.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "learner/core/dynamics_model.h"
#include "learner/core/engine_state.h"
#include "learner/core/replay/host_rows.h"
#include "learner/core/replay/replay_check.h"

namespace estuary::learner {
namespace native {
namespace {

HostTensor ToTensor(const std::vector<float>& values) {
  return {{static_cast<int64_t>(values.size())}, {values.begin(), values.end()}};
}

double Mean(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

void AddRowMetrics(const DynamicsRows& rows, std::map<std::string, double>& metrics) {
  const auto add = [&](const std::string& name, const std::vector<float>& values) {
    const auto [least, greatest] = std::minmax_element(values.begin(), values.end());
    metrics[name + "/mean"] = Mean(values);
    metrics[name + "/min"] = *least;
    metrics[name + "/max"] = *greatest;
  };
  if (!rows.u.empty()) {
    add("u", rows.u);
    metrics["omega/max"] = *std::max_element(rows.omega.begin(), rows.omega.end());
    double squares = 0;
    for (const float omega : rows.omega) squares += static_cast<double>(omega) * omega;
    metrics["omega/effective_samples"] = 1 / squares;
  }
  if (!rows.log_ratio.empty()) metrics["ratio/log_mean"] = Mean(rows.log_ratio);
  if (!rows.ratio.empty()) add("ratio", rows.ratio);
}

}  // namespace

NativeEngine::NativeEngine(const EngineOptions& options, Scaling scaling)
    : options_(options),
      scaling_(std::move(scaling)),
      update_(options_.config, options.seed, options.threads),
      memory_(std::make_unique<StepMemory>(options_.config, update_.nets(),
                                           BatchShape::Of(options_.config))),
      has_dynamics_model_(!options_.config.algorithm.NeedsDynamicsModel()) {}

absl::Status NativeEngine::Step(int count) {
  if (!has_dynamics_model_) return NoDynamicsModel();
  const LearnerConfig& config = options_.config;
  if (!failure_.ok()) return failure_;
  Batch& batch = memory_->batch;
  const int discriminated = batch.shape.discriminator_rows;
  HostRows real = HostRowsOf(options_.real), sim = HostRowsOf(options_.sim);
  for (int i = 0; i < count; ++i) {
    absl::Status status = CheckDrawable(options_.real, "real", config.RealRowsDrawn());
    status.Update(CheckDrawable(options_.sim, "sim", config.SimRowsDrawn()));
    if (!status.ok()) return status;
    last_ = memory_.get();
    // Of rows in order the discriminators have the first.
    HostRows real_rest = real, sim_rest = sim;
    for (HostRows* rest : {&real_rest, &sim_rest}) {
      if (rest->next >= 0) rest->next += discriminated;
    }
    failure_ = update_.Run(
        *memory_, [&] { batch.DrawDiscriminators(real, sim, scaling_, update_.random(0)); },
        [&] { batch.DrawTransitions(real_rest, sim_rest, scaling_, update_.random(1)); });
    if (!failure_.ok()) return failure_;
    const auto advance = [](const DeviceReplay* replay, HostRows& rows, int drawn) {
      if (rows.next < 0) return;
      rows.next += drawn;
      SetDrawn(*replay, rows.next);
    };
    advance(options_.real, real, config.RealRowsDrawn());
    advance(options_.sim, sim, config.SimRowsDrawn());
  }
  return absl::OkStatus();
}

absl::StatusOr<TensorTree> NativeEngine::StepWith(const TensorTree& inputs) {
  const auto shape = BatchShape::Of(options_.config, inputs);
  if (!shape.ok()) return shape.status();
  StepMemory* memory = memory_.get();
  if (*shape != memory->batch.shape) {
    if (other_memory_ == nullptr || *shape != other_memory_->batch.shape) {
      last_ = nullptr;
      other_memory_ = std::make_unique<StepMemory>(options_.config, update_.nets(), *shape);
    }
    memory = other_memory_.get();
  }
  if (auto status = memory->batch.Fill(inputs, scaling_); !status.ok()) return status;
  if (!failure_.ok()) return failure_;
  last_ = memory;
  failure_ = update_.Run(
      *memory, [] {}, [] {});
  if (!failure_.ok()) return failure_;

  TensorTree outputs;
  for (const auto& [name, value] : update_.Losses(*memory)) {
    outputs["loss/" + name] = HostTensor::Scalar(value);
  }
  const DynamicsRows& rows = memory->dynamics;
  if (!rows.u.empty()) {
    outputs["u"] = ToTensor(rows.u);
    outputs["omega"] = ToTensor(rows.omega);
  }
  if (!rows.ratio.empty()) outputs["ratio"] = ToTensor(rows.ratio);
  update_.nets().ExportGradients("gradient/", outputs);
  return outputs;
}

absl::StatusOr<std::map<std::string, double>> NativeEngine::Metrics() {
  std::map<std::string, double> metrics;
  if (last_ == nullptr) return metrics;
  for (const auto& [name, value] : update_.Losses(*last_)) metrics["loss/" + name] = value;
  Nets& nets = update_.nets();
  metrics["learning_rate"] = update_.learning_rate();
  metrics["alpha"] = std::exp(nets.log_alpha());
  metrics["entropy"] = -last_->policy.mean_log_prob();
  metrics["q/target_mean"] = last_->critics.MeanTarget();
  const BatchShape& shape = last_->batch.shape;
  if (shape.real_rows > 0) metrics["q/real_mean"] = last_->critics.MeanQ(0, shape.real_rows);
  if (shape.sim_rows > 0) {
    metrics["q/sim_mean"] = last_->critics.MeanQ(shape.real_rows, shape.sim_rows);
  }
  if (last_->value != nullptr) {
    metrics["v/real_mean"] = last_->value->MeanValue();
    metrics["gradient_norm/value"] = nets.GradientNorm(nets.ValueRange());
  }
  metrics["gradient_norm/policy"] = nets.GradientNorm(nets.PolicyRange());
  metrics["gradient_norm/critics"] =
      std::hypot(nets.GradientNorm(nets.CriticRange(0)), nets.GradientNorm(nets.CriticRange(1)));
  if (last_->discriminators != nullptr) {
    metrics["gradient_norm/discriminators"] = nets.GradientNorm(nets.DiscriminatorRange());
    metrics["discriminator/sa_accuracy"] = last_->discriminators->sa_accuracy();
    metrics["discriminator/sas_accuracy"] = last_->discriminators->sas_accuracy();
  }
  AddRowMetrics(last_->dynamics, metrics);
  return metrics;
}

absl::StatusOr<TensorTree> NativeEngine::RowMetrics() {
  TensorTree rows;
  if (last_ == nullptr) return rows;
  const BatchShape& shape = last_->batch.shape;
  if (shape.real_rows > 0) rows["q_real"] = ToTensor(last_->critics.RowQ(0, shape.real_rows));
  if (shape.sim_rows > 0) {
    rows["q_sim"] = ToTensor(last_->critics.RowQ(shape.real_rows, shape.sim_rows));
  }
  if (!last_->dynamics.u.empty()) {
    rows["u"] = ToTensor(last_->dynamics.u);
    rows["omega"] = ToTensor(last_->dynamics.omega);
  }
  return rows;
}

absl::StatusOr<PolicyWeights> NativeEngine::ExportPolicy(PolicyKind kind) {
  const Nets& nets = update_.nets();
  const NetworkConfig& networks = options_.config.networks;
  const bool averaged =
      kind == PolicyKind::kAveraged && options_.config.optimizer.policy_average < 1;
  const HostTensor flat = nets.PackPolicy(averaged ? update_.average().data()
                                                   : nets.values() + nets.PolicyRange().begin);
  PolicyWeights weights;
  weights.observation_mean.assign(scaling_.observation_mean().begin(),
                                  scaling_.observation_mean().end());
  weights.observation_scale.assign(scaling_.observation_scale().begin(),
                                   scaling_.observation_scale().end());
  auto next = flat.values.begin();
  for (const DenseLayer& layer : nets.policy().layers) {
    DenseWeights dense{.inputs = layer.inputs, .outputs = layer.outputs, .weight = {}, .bias = {}};
    dense.weight.assign(next, next + int64_t{layer.inputs} * layer.outputs);
    next += int64_t{layer.inputs} * layer.outputs;
    dense.bias.assign(next, next + layer.outputs);
    next += layer.outputs;
    weights.layers.push_back(std::move(dense));
  }
  weights.log_std_multiplier = static_cast<float>(next[0]);
  weights.log_std_offset = static_cast<float>(next[1]);
  weights.log_std_min = static_cast<float>(networks.log_std_min);
  weights.log_std_max = static_cast<float>(networks.log_std_max);
  weights.gradient_steps = update_.steps_done();
  return weights;
}

absl::StatusOr<TensorTree> NativeEngine::Parameters() {
  TensorTree tree;
  update_.nets().ExportValues("", tree);
  return tree;
}

absl::Status NativeEngine::SetParameters(const TensorTree& parameters) {
  if (auto status = update_.nets().ImportValues("", parameters); !status.ok()) return status;
  update_.RestartAverage();
  has_dynamics_model_ = true;
  return absl::OkStatus();
}

absl::StatusOr<std::string> NativeEngine::Save() {
  EngineState state;
  state.algorithm = options_.config.algorithm.name;
  state.engine = name();
  state.steps_done = update_.steps_done();
  state.random_state = update_.random(0).State() + update_.random(1).State();
  const Nets& nets = update_.nets();
  nets.ExportValues("parameter/", state.tensors);
  nets.ExportMoments(state.tensors);
  state.tensors["policy_average"] = nets.PackPolicy(update_.average().data());
  scaling_.Export(state.tensors);
  return SerializeEngineState(state);
}

absl::Status NativeEngine::Load(absl::string_view bytes) {
  const auto state = ParseEngineState(bytes);
  if (!state.ok()) return state.status();
  if (auto status = CheckAlgorithm(*state, options_.config); !status.ok()) return status;
  const absl::string_view random = state->random_state;
  const uint64_t seed = SeedAfter(options_.seed, state->steps_done);
  Random streams[2] = {Random(seed, 0), Random(seed, 1)};
  const bool own = state->engine == name();
  if (own && (!streams[0].SetState(random.substr(0, random.size() / 2)) ||
              !streams[1].SetState(random.substr(random.size() / 2)))) {
    return absl::InvalidArgumentError(absl::StrCat("the saved state's random state has ",
                                                   random.size(), " bytes, which no ", name(),
                                                   " engine wrote"));
  }
  const std::vector<int64_t> average_shape = {update_.nets().PolicyParameters()};
  const auto average = Find(state->tensors, "policy_average", average_shape, "the saved state");
  if (!average.ok()) return average.status();
  Scaling scaling = scaling_;
  if (auto status = scaling.Import(state->tensors); !status.ok()) return status;
  if (auto status = update_.nets().ImportAll(state->tensors); !status.ok()) return status;
  scaling_ = std::move(scaling);
  update_.nets().UnpackPolicy(**average, update_.average().data());
  for (const int i : {0, 1}) update_.random(i) = streams[i];
  update_.set_steps_done(state->steps_done);
  has_dynamics_model_ = true;
  failure_ = absl::OkStatus();
  last_ = nullptr;
  return absl::OkStatus();
}

}  // namespace native

absl::StatusOr<std::unique_ptr<Engine>> MakeNativeEngine(const EngineOptions& options) {
  if (auto status = Validate(options.config); !status.ok()) return status;
  if (options.device != Device::kCpu || options.precision != Precision::kFloat32) {
    return absl::InvalidArgumentError(
        "the native engine computes on the CPU in float32; choose engine EAGER for another device "
        "or precision");
  }
  for (const DeviceReplay* replay : {options.real, options.sim}) {
    if (auto status = CheckReplayFits(replay, options); !status.ok()) return status;
  }
  auto scaling = native::Scaling::Create(options.config, options.real);
  if (!scaling.ok()) return scaling.status();
  return std::make_unique<native::NativeEngine>(options, *std::move(scaling));
}

}  // namespace estuary::learner
