#include "learner/core/eager/eager_engine.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/detail/CUDAHooksInterface.h>

#include <cstring>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "learner/core/dynamics_model.h"
#include "learner/core/eager/metrics.h"
#include "learner/core/engine_state.h"
#include "learner/core/replay/replay_check.h"

namespace estuary::learner {
namespace {

// Runs `action` and turns what LibTorch throws into a Status; `what` says what failed.
template <typename Action>
auto Guarded(const char* what, Action action) -> decltype(action()) {
  try {
    return action();
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat(what, " failed in LibTorch: ", error.what()));
  }
}

at::Generator MakeGenerator(Device device, uint64_t seed) {
  at::Generator generator = device == Device::kCuda ? at::detail::getCUDAHooks().getNewGenerator(0)
                                                    : at::detail::createCPUGenerator(seed);
  generator.set_current_seed(seed);
  return generator;
}

std::string GeneratorState(const at::Generator& generator) {
  const at::Tensor state = generator.get_state().cpu().contiguous();
  return {reinterpret_cast<const char*>(state.const_data_ptr<uint8_t>()),
          static_cast<size_t>(state.numel())};
}

at::Tensor StateTensor(absl::string_view bytes) {
  at::Tensor state = at::empty({static_cast<int64_t>(bytes.size())}, at::kByte);
  std::memcpy(state.mutable_data_ptr<uint8_t>(), bytes.data(), bytes.size());
  return state;
}

std::vector<float> ToFloats(const HostTensor& tensor) {
  return {tensor.values.begin(), tensor.values.end()};
}

}  // namespace

EagerEngine::EagerEngine(const EngineOptions& options, InputScaling scaling,
                         at::Generator generator, at::TensorOptions tensors)
    : options_(options),
      tensors_(tensors),
      generator_(std::move(generator)),
      update_(options.config, std::move(scaling), generator_, tensors),
      has_dynamics_model_(!options.config.algorithm.NeedsDynamicsModel()) {}

absl::Status EagerEngine::RunOnce(const StepBatch& batch) {
  if (!failure_.ok()) return failure_;
  absl::Status status = update_.Run(batch);
  if (!status.ok()) failure_ = status;
  return status;
}

absl::Status EagerEngine::Step(int count) {
  if (!has_dynamics_model_) return NoDynamicsModel();
  return Guarded("a gradient step", [&]() -> absl::Status {
    for (int i = 0; i < count; ++i) {
      auto batch = DrawBatch(options_.config, options_.real, options_.sim,
                             update_.scaling().state_std(), generator_, tensors_);
      if (!batch.ok()) return batch.status();
      if (auto status = RunOnce(*batch); !status.ok()) return status;
    }
    return absl::OkStatus();
  });
}

absl::StatusOr<TensorTree> EagerEngine::StepWith(const TensorTree& inputs) {
  return Guarded("a gradient step", [&]() -> absl::StatusOr<TensorTree> {
    auto batch = PackBatch(options_.config, inputs, tensors_);
    if (!batch.ok()) return batch.status();
    if (auto status = RunOnce(*batch); !status.ok()) return status;
    const StepRecord& record = update_.record();
    TensorTree outputs = LossTree(record);
    if (record.u.defined()) outputs["u"] = ToHost(record.u);
    if (record.omega.defined()) outputs["omega"] = ToHost(record.omega);
    if (record.ratio.defined()) outputs["ratio"] = ToHost(record.ratio);
    Nets& nets = update_.nets();
    nets.main().Export(nets.main().gradient(), "gradient/", outputs);
    if (nets.has_discriminators()) {
      nets.discriminators().Export(nets.discriminators().gradient(), "gradient/", outputs);
    }
    return outputs;
  });
}

absl::StatusOr<std::map<std::string, double>> EagerEngine::Metrics() {
  return Guarded("taking metrics", [&]() -> absl::StatusOr<std::map<std::string, double>> {
    return StepMetrics(options_.config, update_);
  });
}

absl::StatusOr<TensorTree> EagerEngine::RowMetrics() {
  return Guarded("taking metrics", [&]() -> absl::StatusOr<TensorTree> {
    return StepRowMetrics(options_.config, update_.record());
  });
}

absl::StatusOr<PolicyWeights> EagerEngine::ExportPolicy(PolicyKind kind) {
  return Guarded("exporting the policy", [&]() -> absl::StatusOr<PolicyWeights> {
    const at::NoGradGuard no_grad;
    Nets& nets = update_.nets();
    const bool averaged =
        kind == PolicyKind::kAveraged && options_.config.optimizer.policy_average < 1;
    at::Tensor flat = nets.main().flat();
    if (averaged) {
      flat = flat.clone();
      nets.PolicyPart(flat).copy_(update_.average());
    }
    TensorTree tree;
    nets.main().Export(flat, "", tree);
    const NetworkConfig& networks = options_.config.networks;
    PolicyWeights weights;
    const InputScaling& scaling = update_.scaling();
    weights.observation_mean.assign(scaling.observation_mean().begin(),
                                    scaling.observation_mean().end());
    weights.observation_scale.assign(scaling.observation_scale().begin(),
                                     scaling.observation_scale().end());
    for (size_t i = 0; i <= networks.hidden.size(); ++i) {
      const HostTensor& weight = tree.at(absl::StrCat("policy/", i, "/weight"));
      weights.layers.push_back({.inputs = static_cast<int>(weight.shape[1]),
                                .outputs = static_cast<int>(weight.shape[0]),
                                .weight = ToFloats(weight),
                                .bias = ToFloats(tree.at(absl::StrCat("policy/", i, "/bias")))});
    }
    weights.log_std_multiplier = ToFloats(tree.at("policy/log_std_multiplier"))[0];
    weights.log_std_offset = ToFloats(tree.at("policy/log_std_offset"))[0];
    weights.log_std_min = static_cast<float>(networks.log_std_min);
    weights.log_std_max = static_cast<float>(networks.log_std_max);
    weights.gradient_steps = update_.steps_done();
    return weights;
  });
}

absl::StatusOr<TensorTree> EagerEngine::Parameters() {
  return Guarded("reading the parameters", [&]() -> absl::StatusOr<TensorTree> {
    Nets& nets = update_.nets();
    TensorTree tree;
    nets.main().Export(nets.main().flat(), "", tree);
    nets.targets().Export(nets.targets().flat(), "", tree);
    if (nets.has_discriminators()) {
      nets.discriminators().Export(nets.discriminators().flat(), "", tree);
    }
    if (nets.has_dynamics()) nets.dynamics().Export(nets.dynamics().flat(), "", tree);
    return tree;
  });
}

absl::Status EagerEngine::SetParameters(const TensorTree& parameters) {
  return Guarded("setting the parameters", [&]() -> absl::Status {
    Nets& nets = update_.nets();
    std::vector<std::pair<at::Tensor, at::Tensor>> copies;
    absl::Status status;
    const auto import = [&](const ParameterGroup& group) {
      const at::Tensor copy = at::empty_like(group.flat());
      status.Update(group.Import(parameters, "", copy));
      copies.emplace_back(group.flat(), copy);
    };
    import(nets.main());
    import(nets.targets());
    if (nets.has_discriminators()) import(nets.discriminators());
    if (nets.has_dynamics()) import(nets.dynamics());
    if (!status.ok()) return status;
    const at::NoGradGuard no_grad;
    for (const auto& [to, copy] : copies) at::Tensor(to).copy_(copy);
    update_.RestartAverage();
    has_dynamics_model_ = true;
    return absl::OkStatus();
  });
}

absl::StatusOr<std::string> EagerEngine::Save() {
  return Guarded("saving", [&]() -> absl::StatusOr<std::string> {
    EngineState state;
    state.algorithm = options_.config.algorithm.name;
    state.engine = name();
    state.steps_done = update_.steps_done();
    state.random_state = GeneratorState(generator_);
    update_.Export(state.tensors);
    return SerializeEngineState(state);
  });
}

absl::Status EagerEngine::Load(absl::string_view bytes) {
  return Guarded("loading a saved state", [&]() -> absl::Status {
    const auto state = ParseEngineState(bytes);
    if (!state.ok()) return state.status();
    if (auto status = CheckAlgorithm(*state, options_.config); !status.ok()) return status;
    at::Generator generator =
        MakeGenerator(options_.device, SeedAfter(options_.seed, state->steps_done));
    // A generator refuses a state that is not its own by throwing; try on a copy.
    if (state->engine == name()) generator.set_state(StateTensor(state->random_state));
    if (auto status = update_.Import(state->tensors, state->steps_done); !status.ok()) {
      return status;
    }
    generator_ = generator;
    has_dynamics_model_ = true;
    failure_ = absl::OkStatus();
    return absl::OkStatus();
  });
}

absl::StatusOr<std::unique_ptr<Engine>> MakeEagerEngine(const EngineOptions& options) {
  if (auto status = Validate(options.config); !status.ok()) return status;
  if (auto status = OpenDevice(options.device); !status.ok()) return status;
  for (const DeviceReplay* replay : {options.real, options.sim}) {
    if (auto status = CheckReplayFits(replay, options); !status.ok()) return status;
  }
  return Guarded("making the engine", [&]() -> absl::StatusOr<std::unique_ptr<Engine>> {
    if (options.threads > 0) at::set_num_threads(options.threads);
    const auto tensors =
        at::TensorOptions()
            .dtype(options.precision == Precision::kFloat64 ? at::kDouble : at::kFloat)
            .device(ToTorch(options.device));
    auto scaling = InputScaling::Create(options.config, options.real, tensors);
    if (!scaling.ok()) return scaling.status();
    return std::make_unique<EagerEngine>(options, *std::move(scaling),
                                         MakeGenerator(options.device, options.seed), tensors);
  });
}

}  // namespace estuary::learner
