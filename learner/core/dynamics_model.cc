#include "learner/core/dynamics_model.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>

#include "absl/strings/str_cat.h"
#include "learner/core/adam.h"
#include "learner/core/eager/input_scaling.h"
#include "learner/core/losses.h"
#include "learner/core/nets.h"
#include "learner/core/parameters.h"
#include "learner/core/replay/replay_storage.h"

namespace estuary::learner {
namespace {

constexpr int64_t kLeastRows = 20;
constexpr int64_t kLooks = 20;
constexpr int64_t kMostHeldOut = 5000;

// LibTorch's threads, one while this lives: steps of these sizes are over sooner than threads meet,
// and a sum does not depend on their number.
class OneThread {
 public:
  OneThread() : before_(at::get_num_threads()) { at::set_num_threads(1); }
  ~OneThread() { at::set_num_threads(before_); }

 private:
  const int before_;
};

// Inputs and what is to be predicted, of the same rows.
struct Examples {
  at::Tensor inputs;
  at::Tensor differences;

  Examples Pick(const at::Tensor& rows) const {
    return {inputs.index_select(0, rows), differences.index_select(0, rows)};
  }
};

absl::StatusOr<DynamicsModel> Learn(const LearnerConfig& config, const DeviceReplay& real,
                                    uint64_t seed, const DynamicsModelProgress& progress) {
  const auto options = at::TensorOptions().dtype(at::kFloat).device(ToTorch(real.options().device));
  const auto scaling = InputScaling::Create(config, &real, options);
  if (!scaling.ok()) return scaling.status();
  const DynamicsModelConfig& wanted = config.algorithm.dynamics_model;
  const int64_t o = config.observation_dim, a = config.action_dim;
  const at::Generator generator = at::detail::createCPUGenerator(seed);

  ParameterGroup group;
  const size_t first = group.AddMlp(
      {"dynamics"}, LayerSizes(o + a, config.networks.dynamics_hidden, 2 * o), LastLayer::kDefault);
  // Initialised on the CPU whatever the device, so that the seed means the same.
  ParameterGroup start = group;
  start.Allocate(options.device(at::kCPU));
  start.Initialize(generator);
  group.Allocate(options);
  {
    const at::NoGradGuard no_grad;
    group.flat().copy_(start.flat());
  }
  const Mlp net(group, first, config.networks.dynamics_hidden.size() + 1);
  Adam adam(group.flat());

  const at::Tensor raw = real.storage().rows.narrow(0, 0, real.size());
  const Examples all = {scaling->Rows(raw).narrow(1, 0, o + a), scaling->Differences(raw)};
  const auto pick = [&](const at::Tensor& rows) { return all.Pick(rows.to(options.device())); };
  const at::Tensor order =
      at::randperm(real.size(), generator, at::TensorOptions().dtype(at::kLong));
  const int64_t held_out = std::min(real.size() / 10, kMostHeldOut);
  const at::Tensor trained = order.narrow(0, held_out, real.size() - held_out);
  const Examples test = pick(order.narrow(0, 0, held_out));

  DynamicsModel best;
  best.loss = std::numeric_limits<double>::infinity();
  const auto look = [&] {
    const at::NoGradGuard no_grad;
    const DynamicsPrediction prediction = SplitPrediction(net(test.inputs));
    const double loss = DynamicsModelLoss(prediction, test.differences).item<double>();
    if (!(loss < best.loss)) return;
    best.loss = loss;
    best.error =
        std::sqrt(at::square(at::sub(prediction.mean, test.differences)).mean().item<double>());
    group.Export(group.flat(), "", best.parameters);
  };

  const uint64_t between = std::max<uint64_t>(1, wanted.steps / kLooks);
  at::Tensor places = at::empty({wanted.batch_size}, at::TensorOptions().dtype(at::kLong));
  look();
  for (uint64_t step = 1; step <= wanted.steps; ++step) {
    places.random_(0, trained.size(0), generator);
    const Examples batch = pick(trained.index_select(0, places));
    const at::Tensor loss =
        DynamicsModelLoss(SplitPrediction(net(batch.inputs)), batch.differences);
    adam.Step(group.flat(), group.Differentiate(loss), wanted.learning_rate, step);
    if (step % between == 0 || step == wanted.steps) look();
    if (step % 100 == 0 && progress && !progress(step)) {
      return absl::CancelledError("stopped while learning the model of the dynamics");
    }
  }
  if (!std::isfinite(best.loss)) {
    return absl::InternalError(
        "the model of the dynamics diverged; lower algorithm.dynamics_model_learning_rate");
  }
  return best;
}

}  // namespace

absl::StatusOr<DynamicsModel> LearnDynamicsModel(const LearnerConfig& config,
                                                 const DeviceReplay& real, uint64_t seed,
                                                 const DynamicsModelProgress& progress) {
  if (auto status = Validate(config); !status.ok()) return status;
  if (real.options().in_order) {
    return absl::FailedPreconditionError(
        "a model of the dynamics is learned from D on the device, but table 'real' does not fit "
        "there; raise replay.device_budget_bytes");
  }
  if (real.size() < kLeastRows) {
    return absl::FailedPreconditionError(
        absl::StrCat("a model of the dynamics needs at least ", kLeastRows,
                     " real transitions, table '", real.options().name, "' holds ", real.size()));
  }
  try {
    const OneThread one_thread;
    return Learn(config, real, seed, progress);
  } catch (const std::exception& error) {
    return absl::InternalError(
        absl::StrCat("learning the model of the dynamics failed in LibTorch: ", error.what()));
  }
}

absl::Status SetDynamicsModel(Engine& engine, const DynamicsModel& model) {
  auto parameters = engine.Parameters();
  if (!parameters.ok()) return parameters.status();
  for (const auto& [path, tensor] : model.parameters) (*parameters)[path] = tensor;
  return engine.SetParameters(*parameters);
}

absl::Status NoDynamicsModel() {
  return absl::FailedPreconditionError(
      "the algorithm samples next states from a model of the dynamics, which the engine was not "
      "given: learn one before the first step (LearnDynamicsModel, SetDynamicsModel)");
}

}  // namespace estuary::learner
