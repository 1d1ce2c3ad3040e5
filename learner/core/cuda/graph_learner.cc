#include "learner/core/cuda/graph_learner.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <cstring>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "learner/core/cuda/given_batch.h"
#include "learner/core/cuda/record.h"
#include "learner/core/cuda/replay_views.h"
#include "learner/core/dynamics_model.h"
#include "learner/core/eager/step_batch.h"
#include "learner/core/engine_state.h"
#include "learner/core/native/scaling.h"

namespace estuary::learner::cuda {
namespace {

// Steps that one launch runs where many are asked for.
constexpr int kStepsAtOnce = 16;

template <typename T>
constexpr at::ScalarType kType = std::is_same_v<T, double> ? at::kDouble : at::kFloat;

template <typename T>
class Learner : public GraphLearner {
 public:
  Learner(const EngineOptions& options, const std::vector<SeedOptions>& seeds,
          std::shared_ptr<Backend> backend, native::Scaling scaling, int steps_between_checks,
          Arithmetic arithmetic)
      : options_(options),
        seeds_(seeds),
        backend_(std::move(backend)),
        scaling_(std::move(scaling)),
        steps_between_checks_(steps_between_checks),
        arithmetic_(arithmetic),
        nets_(options.config),
        state_memory_(*backend_),
        batch_memory_(*backend_),
        other_memory_(*backend_),
        replays_(options_.config, *backend_, seeds.size()),
        steps_done_(seeds.size()),
        has_model_(seeds.size(), !options.config.algorithm.NeedsDynamicsModel()),
        failures_(seeds.size()) {}

  absl::Status Start() {
    const int count = seeds();
    AllocateState(nets_, count, state_memory_, step_);
    step_.settings =
        SettingsOf(options_.config, nets_, BatchShape::Of(options_.config), count, arithmetic_);
    if (auto status = UploadScaling(); !status.ok()) return status;
    AllocateBatch(batch_memory_, step_);
    if (!batch_memory_.status().ok()) return batch_memory_.status();
    std::vector<SeedState> states(seeds_.size());
    for (int seed = 0; seed < count; ++seed) {
      const SeedOptions& option = seeds_[static_cast<size_t>(seed)];
      states[static_cast<size_t>(seed)].seed = option.seed;
      at::Generator generator = at::detail::createCPUGenerator(option.seed);
      generator.set_current_seed(option.seed);
      nets_.Initialize(generator, Options());
      for (const Group& group : Groups()) {
        Upload(group.declared.flat(), group.buffers.values, seed, group.buffers.size);
      }
      Upload(nets_.main.flat(), step_.average, seed, nets_.critics_begin);
    }
    state_memory_.Write(step_.state, states.data(), states.size() * sizeof(SeedState));
    return state_memory_.status();
  }

  const LearnerConfig& config() const override { return options_.config; }
  int seeds() const override { return static_cast<int>(seeds_.size()); }
  uint64_t steps_done(int seed) const override { return steps_done_[static_cast<size_t>(seed)]; }

  absl::Status Step(int count) override {
    for (const bool has_model : has_model_) {
      if (!has_model) return NoDynamicsModel();
    }
    while (count > 0) {
      auto status = replays_.Update(seeds_, steps_done_, step_.real, step_.sim);
      status.Update(Stopped());
      if (!status.ok()) return status;
      last_ = &step_;
      const int steps = replays_.Enough(seeds_, count) >= kStepsAtOnce ? kStepsAtOnce : 1;
      int& recorded = steps == 1 ? one_step_ : many_steps_;
      if (recorded < 0) recorded = backend_->Record(step_, steps);
      if (recorded < 0 || !backend_->Launch(recorded)) return Broken("a gradient step");
      replays_.Drawn(seeds_, steps);
      for (uint64_t& done : steps_done_) done += static_cast<uint64_t>(steps);
      unchecked_ += steps;
      count -= steps;
      if (unchecked_ < steps_between_checks_) continue;
      if (status = Check(); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::StatusOr<TensorTree> StepWith(const TensorTree& inputs) override {
    if (seeds() != 1) {
      return absl::FailedPreconditionError(
          absl::StrCat("an explicit batch goes to a seed that trains alone; here are ", seeds()));
    }
    auto batch = PackBatch(options_.config, inputs, Options());
    if (!batch.ok()) return batch.status();
    if (auto status = Stopped(); !status.ok()) return status;
    if (auto status = Prepare(*batch); !status.ok()) return status;
    last_ = &other_;
    if (!backend_->Run(other_)) return Broken("a gradient step");
    steps_done_[0] += 1;
    if (auto status = Check(); !status.ok()) return status;

    TensorTree outputs = LossTree(options_.config, Numbers(other_.losses, 0, kLosses));
    const StepSettings& c = other_.settings;
    const auto add = [&](const char* path, bool there, const T* values) {
      if (there) outputs[path] = {{c.sim}, Numbers(values, 0, c.sim)};
    };
    add("u", c.gap_penalty, other_.u);
    add("omega", c.gap_penalty, other_.omega);
    add("ratio", c.weighted, other_.ratio);
    for (const Group& group : Groups()) {
      if (group.trained()) Export(0, group, group.buffers.gradient, "gradient/", outputs);
    }
    return outputs;
  }

  absl::StatusOr<std::map<std::string, double>> Metrics(int seed) override {
    if (last_ == nullptr) return std::map<std::string, double>();
    const auto record = Record(seed);
    if (!record.ok()) return record.status();
    return MetricsOf(options_.config, *record, nets_);
  }

  absl::StatusOr<TensorTree> RowMetrics(int seed) override {
    if (last_ == nullptr) return TensorTree();
    const auto record = Record(seed);
    if (!record.ok()) return record.status();
    return RowMetricsOf(*record);
  }

  absl::StatusOr<PolicyWeights> Policy(int seed, PolicyKind kind) override {
    const at::NoGradGuard no_grad;
    const NetworkConfig& networks = options_.config.networks;
    at::Tensor flat = Download(step_.main.values, seed, nets_.main_size);
    if (kind == PolicyKind::kAveraged && options_.config.optimizer.policy_average < 1) {
      flat.narrow(0, 0, nets_.critics_begin)
          .copy_(Download(step_.average, seed, nets_.critics_begin));
    }
    TensorTree tree;
    nets_.main.Export(flat, "", tree);
    const auto floats = [](const HostTensor& tensor) {
      return std::vector<float>(tensor.values.begin(), tensor.values.end());
    };
    PolicyWeights weights;
    weights.observation_mean.assign(scaling_.observation_mean().begin(),
                                    scaling_.observation_mean().end());
    weights.observation_scale.assign(scaling_.observation_scale().begin(),
                                     scaling_.observation_scale().end());
    for (int i = 0; i < nets_.policy.layers; ++i) {
      weights.layers.push_back({.inputs = nets_.policy.sizes[i],
                                .outputs = nets_.policy.sizes[i + 1],
                                .weight = floats(tree.at(absl::StrCat("policy/", i, "/weight"))),
                                .bias = floats(tree.at(absl::StrCat("policy/", i, "/bias")))});
    }
    weights.log_std_multiplier = floats(tree.at("policy/log_std_multiplier"))[0];
    weights.log_std_offset = floats(tree.at("policy/log_std_offset"))[0];
    weights.log_std_min = static_cast<float>(networks.log_std_min);
    weights.log_std_max = static_cast<float>(networks.log_std_max);
    weights.gradient_steps = steps_done(seed);
    return weights;
  }

  absl::StatusOr<TensorTree> Parameters(int seed) override {
    TensorTree tree;
    ExportParameters(seed, "", tree);
    return tree;
  }

  absl::Status SetParameters(int seed, const TensorTree& parameters) override {
    Staged staged;
    for (const Group& group : Groups()) Stage(parameters, "", group, group.buffers.values, staged);
    if (!staged.status.ok()) return staged.status;
    Commit(staged, seed);
    // The main group's, which begin with the policy's.
    Upload(staged.parts[0].tensor, step_.average, seed, nets_.critics_begin);
    has_model_[static_cast<size_t>(seed)] = true;
    return state_memory_.status();
  }

  absl::StatusOr<std::string> Save(int seed) override {
    if (auto status = Check(); absl::IsUnavailable(status)) return status;
    EngineState state;
    state.algorithm = options_.config.algorithm.name;
    state.engine = kEngineName;
    state.steps_done = steps_done(seed);
    // With the step's number this is all there is to the random numbers.
    const uint64_t number = seeds_[static_cast<size_t>(seed)].seed;
    state.random_state.assign(reinterpret_cast<const char*>(&number), sizeof(number));
    ExportParameters(seed, "parameter/", state.tensors);
    for (const Group& group : Groups()) {
      if (!group.trained()) continue;
      Export(seed, group, group.buffers.first_moment, "first_moment/", state.tensors);
      Export(seed, group, group.buffers.second_moment, "second_moment/", state.tensors);
    }
    state.tensors["policy_average"] = {{nets_.critics_begin},
                                       Numbers(step_.average, seed, nets_.critics_begin)};
    scaling_.Export(state.tensors);
    return SerializeEngineState(state);
  }

  absl::Status Load(int seed, absl::string_view bytes) override {
    const auto state = ParseEngineState(bytes);
    if (!state.ok()) return state.status();
    if (auto status = CheckAlgorithm(*state, options_.config); !status.ok()) return status;
    SeedState fresh;
    fresh.seed = SeedAfter(seeds_[static_cast<size_t>(seed)].seed, state->steps_done);
    if (state->engine == kEngineName) {
      if (state->random_state.size() != sizeof(fresh.seed)) {
        return absl::InvalidArgumentError(
            absl::StrCat("the saved state's random state has ", state->random_state.size(),
                         " bytes, which no ", kEngineName, " engine wrote"));
      }
      std::memcpy(&fresh.seed, state->random_state.data(), sizeof(fresh.seed));
    }
    fresh.steps_done = state->steps_done;
    const TensorTree& tree = state->tensors;
    Staged staged;
    for (const Group& group : Groups()) {
      Stage(tree, "parameter/", group, group.buffers.values, staged);
      if (!group.trained()) continue;
      Stage(tree, "first_moment/", group, group.buffers.first_moment, staged);
      Stage(tree, "second_moment/", group, group.buffers.second_moment, staged);
    }
    const auto average = Find(tree, "policy_average", {nets_.critics_begin}, "the saved state");
    staged.status.Update(average.status());
    if (!staged.status.ok()) return staged.status;
    native::Scaling scaling = scaling_;
    if (auto status = scaling.Import(tree); !status.ok()) return status;
    if (seeds() > 1 && scaling.observation_mean() != scaling_.observation_mean()) {
      return absl::InvalidArgumentError(
          "the saved state scales observations otherwise than the seeds it would train beside");
    }
    scaling_ = std::move(scaling);
    if (auto status = UploadScaling(); !status.ok()) return status;
    Commit(staged, seed);
    Upload(FromHost(**average, Options()), step_.average, seed, nets_.critics_begin);
    state_memory_.Write(step_.state + seed, &fresh, sizeof(fresh));
    const size_t at = static_cast<size_t>(seed);
    seeds_[at].seed = fresh.seed;
    steps_done_[at] = fresh.steps_done;
    has_model_[at] = true;
    failures_[at] = absl::OkStatus();
    last_ = nullptr;
    replays_.Forget();
    return state_memory_.status();
  }

 private:
  static constexpr char kEngineName[] = "cuda_graph";

  // What the nets declare, and where all seeds' numbers of it lie.
  struct Group {
    const ParameterGroup& declared;
    const GroupBuffers<T>& buffers;

    bool trained() const { return buffers.gradient != nullptr; }
  };
  // Those that the algorithm has.
  std::vector<Group> Groups() const {
    std::vector<Group> groups = {{nets_.main, step_.main},
                                 {nets_.target_group, step_.target_group}};
    if (nets_.has_discriminators) groups.push_back({nets_.discriminators, step_.discriminators});
    if (nets_.has_model) groups.push_back({nets_.model_group, step_.model_group});
    return groups;
  }

  // Parts of a tree that are sound, before any of them goes to the device.
  struct Staged {
    struct Part {
      at::Tensor tensor;
      T* to;
      int size;
    };
    absl::Status status;
    std::vector<Part> parts;
  };

  static at::TensorOptions Options() { return at::TensorOptions().dtype(kType<T>); }

  static void Stage(const TensorTree& tree, const char* prefix, const Group& group, T* to,
                    Staged& staged) {
    const at::Tensor tensor = at::empty({group.buffers.size}, Options());
    staged.status.Update(group.declared.Import(tree, prefix, tensor));
    staged.parts.push_back({tensor, to, group.buffers.size});
  }
  void Commit(const Staged& staged, int seed) {
    for (const auto& part : staged.parts) Upload(part.tensor, part.to, seed, part.size);
  }

  // A seed's part of [seeds, size].
  void Upload(const at::Tensor& tensor, T* to, int seed, int size) {
    state_memory_.Write(to + int64_t{seed} * size, tensor.contiguous().const_data_ptr<T>(),
                        static_cast<size_t>(size) * sizeof(T));
  }
  at::Tensor Download(const T* from, int seed, int size) {
    at::Tensor tensor = at::zeros({size}, Options());
    if (!backend_->Read(tensor.mutable_data_ptr<T>(), from + int64_t{seed} * size,
                        static_cast<size_t>(size) * sizeof(T))) {
      throw std::runtime_error(backend_->error());
    }
    return tensor;
  }
  std::vector<double> Numbers(const T* from, int seed, int size) {
    return ToHost(Download(from, seed, size)).values;
  }

  // A seed's part of `numbers`, one of the group's buffers.
  void Export(int seed, const Group& group, const T* numbers, const char* prefix,
              TensorTree& tree) {
    group.declared.Export(Download(numbers, seed, group.buffers.size), prefix, tree);
  }
  void ExportParameters(int seed, const char* prefix, TensorTree& tree) {
    for (const Group& group : Groups()) Export(seed, group, group.buffers.values, prefix, tree);
  }

  absl::Status Broken(const char* what) const {
    return absl::UnavailableError(absl::StrCat(what, " failed on ", std::string(backend_->name()),
                                               ": ", std::string(backend_->error())));
  }

  // What the last step left of a seed.
  absl::StatusOr<StepRecord> Record(int seed) {
    // A seed that stopped still shows its last step.
    if (auto status = Check(); absl::IsUnavailable(status)) return status;
    const StepArguments<T>& s = *last_;
    const StepSettings& c = s.settings;
    SeedState state;
    if (!backend_->Read(&state, s.state + seed, sizeof(state))) return Broken("taking metrics");
    StepRecord record;
    record.losses = Numbers(s.losses, seed, kLosses);
    record.q = Numbers(s.critic_pass.outputs[s.critics.layers - 1], seed, 2 * s.q_rows);
    record.q_rows = s.q_rows;
    record.real = c.real;
    record.sim = c.sim;
    record.target = Numbers(s.target, seed, c.rows());
    record.log_prob = Numbers(s.log_prob, seed, c.rows());
    if (c.gap_penalty) {
      record.u = Numbers(s.u, seed, c.sim);
      record.omega = Numbers(s.omega, seed, c.sim);
    }
    if (c.exact > 0) record.log_ratio = Numbers(s.log_ratio, seed, c.sim);
    if (c.weighted) record.ratio = Numbers(s.ratio, seed, c.sim);
    if (c.discriminator_rows > 0) {
      record.sa_logits = Numbers(s.sa_logits, seed, 4 * c.discriminator_rows);
      record.sas_logits = Numbers(s.sas_logits, seed, 4 * c.discriminator_rows);
      record.discriminator_gradient =
          Numbers(s.discriminators.gradient, seed, nets_.discriminators_size);
    }
    if (c.has_value) record.v = Numbers(s.value_pass.outputs[s.value.layers - 1], seed, c.real);
    record.main_gradient = Numbers(s.main.gradient, seed, nets_.main_size);
    record.alpha =
        std::exp(Numbers(s.main.values, seed, nets_.main_size)[static_cast<size_t>(c.log_alpha)]);
    record.learning_rate = state.learning_rate;
    return record;
  }

  absl::Status UploadScaling() {
    const auto numbers = [](const auto& values, std::initializer_list<double> more) {
      std::vector<T> all(values.begin(), values.end());
      for (const double value : more) all.push_back(static_cast<T>(value));
      return all;
    };
    const auto place = [&](const T*& to, const std::vector<T>& values) {
      if (to == nullptr) to = state_memory_.Copy(values);
      state_memory_.Write(const_cast<T*>(to), values.data(), values.size() * sizeof(T));
    };
    place(step_.row_scale, numbers(scaling_.scale(), {options_.config.optimizer.reward_scale, 1}));
    place(step_.row_shift, numbers(scaling_.shift(), {0, 0}));
    place(step_.sas_scale, numbers(scaling_.discriminator_scale(), {}));
    place(step_.sas_shift, numbers(scaling_.discriminator_shift(), {}));
    place(step_.state_std, numbers(scaling_.state_std(), {}));
    place(step_.model_scale, numbers(scaling_.model_scale(), {}));
    place(step_.model_shift, numbers(scaling_.model_shift(), {}));
    return state_memory_.status();
  }

  // An error where every seed has stopped.
  absl::Status Stopped() const {
    for (const absl::Status& failure : failures_) {
      if (failure.ok()) return absl::OkStatus();
    }
    return failures_[0];
  }

  // Waits for the device and asks which seeds have stopped. The first such error, however often
  // asked; UNAVAILABLE where the device itself failed.
  absl::Status Check() {
    unchecked_ = 0;
    std::vector<SeedState> states(seeds_.size());
    if (!backend_->Read(states.data(), step_.state, states.size() * sizeof(SeedState))) {
      return Broken("a gradient step");
    }
    absl::Status first;
    for (size_t i = 0; i < states.size(); ++i) {
      const SeedState& state = states[i];
      steps_done_[i] = state.steps_done;
      if (failures_[i].ok() && state.discriminators_failed + state.rest_failed != 0) {
        failures_[i] = Diverged(static_cast<int>(i), state);
      }
      first.Update(failures_[i]);
    }
    return first;
  }

  absl::Status Diverged(int seed, const SeedState& state) {
    std::string losses;
    for (const auto& [path, loss] :
         LossTree(options_.config, Numbers(last_->losses, seed, kLosses))) {
      absl::StrAppend(&losses, " ", path.substr(path.find('/') + 1), "=", loss.values[0]);
    }
    const std::string whose =
        seeds() == 1 ? "" : absl::StrCat(" of seed ", seeds_[static_cast<size_t>(seed)].seed);
    return absl::InternalError(
        absl::StrCat("gradient step ", state.steps_done + 1, whose,
                     " diverged, a loss is not finite or beyond 1e12:", losses));
  }

  // Lays out an explicit batch for other_.
  absl::Status Prepare(const StepBatch& batch) {
    last_ = nullptr;
    other_memory_.Clear();
    other_ = step_;
    other_.settings = SettingsOf(options_.config, nets_, ShapeOf(batch), 1, arithmetic_);
    AllocateBatch(other_memory_, other_);
    Give(batch, other_memory_, other_);
    return other_memory_.status();
  }

  EngineOptions options_;
  std::vector<SeedOptions> seeds_;
  std::shared_ptr<Backend> backend_;
  native::Scaling scaling_;
  const int steps_between_checks_;
  const Arithmetic arithmetic_;
  NetLayouts nets_;
  Memory state_memory_, batch_memory_, other_memory_;
  ReplayViews replays_;
  // Of Step, and of the last StepWith.
  StepArguments<T> step_ = {};
  StepArguments<T> other_ = {};
  // Of the last step; null before the first.
  const StepArguments<T>* last_ = nullptr;
  int one_step_ = -1, many_steps_ = -1;
  // Steps launched since the host last looked.
  int unchecked_ = 0;
  std::vector<uint64_t> steps_done_;
  // Of each seed: the algorithm reads no model of the dynamics, or it was given.
  std::vector<bool> has_model_;
  std::vector<absl::Status> failures_;
};

template <typename T>
absl::StatusOr<std::shared_ptr<GraphLearner>> Make(const EngineOptions& options,
                                                   const std::vector<SeedOptions>& seeds,
                                                   std::shared_ptr<Backend> backend,
                                                   int steps_between_checks,
                                                   Arithmetic arithmetic) {
  auto scaling = native::Scaling::Create(options.config, options.real);
  if (!scaling.ok()) return scaling.status();
  auto learner = std::make_shared<Learner<T>>(
      options, seeds, std::move(backend), *std::move(scaling), steps_between_checks, arithmetic);
  if (auto status = learner->Start(); !status.ok()) return status;
  return learner;
}

}  // namespace

absl::StatusOr<std::shared_ptr<GraphLearner>> MakeGraphLearner(
    const EngineOptions& options, const std::vector<SeedOptions>& seeds,
    std::shared_ptr<Backend> backend, int steps_between_checks, Arithmetic arithmetic) {
  if (options.precision == Precision::kFloat64) {
    return Make<double>(options, seeds, std::move(backend), steps_between_checks, arithmetic);
  }
  return Make<float>(options, seeds, std::move(backend), steps_between_checks, arithmetic);
}

}  // namespace estuary::learner::cuda
