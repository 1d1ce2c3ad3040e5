#include "learner/core/cuda/workspace.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace estuary::learner::cuda {
namespace {

PenaltyKind PenaltyOf(Regularizer regularizer) {
  switch (regularizer) {
    case Regularizer::kWeightedLogSumExp:
      return PenaltyKind::kLogSumExp;
    case Regularizer::kWeightedMean:
      return PenaltyKind::kMean;
    case Regularizer::kCql:
      return PenaltyKind::kCql;
    default:
      return PenaltyKind::kNone;
  }
}

template <typename T>
GroupBuffers<T> TakeGroup(int64_t seeds, int size, bool trained, Memory& memory) {
  GroupBuffers<T> group;
  group.size = size;
  group.values = memory.Take<T>(seeds * size);
  if (!trained) return group;
  group.gradient = memory.Take<T>(seeds * size);
  group.first_moment = memory.Take<T>(seeds * size);
  group.second_moment = memory.Take<T>(seeds * size);
  return group;
}

template <typename T>
Pass<T> TakePass(int64_t seeds, const NetLayout& net, int rows, bool backward, Memory& memory) {
  Pass<T> pass;
  pass.rows = rows;
  for (int i = 0; i < net.layers; ++i) {
    const int64_t count = seeds * net.twins * rows * net.sizes[i + 1];
    pass.outputs[i] = memory.Take<T>(count);
    if (backward) pass.gradients[i] = memory.Take<T>(count);
  }
  return pass;
}

}  // namespace

void* Memory::Take(size_t bytes) {
  // Places are at least one apart, and reads of a whole cache line stay inside.
  void* memory = status_.ok() ? backend_.Allocate(bytes + 128) : nullptr;
  if (memory != nullptr) {
    held_.push_back(memory);
  } else if (status_.ok()) {
    status_ = absl::ResourceExhaustedError(absl::StrCat(
        "the graph engine cannot have ", bytes, " bytes on ", std::string(backend_.name()), ": ",
        std::string(backend_.error()), "; train fewer seeds at once or smaller batches"));
  }
  return memory;
}

void Memory::Write(void* to, const void* from, size_t bytes) {
  if (!status_.ok() || bytes == 0 || backend_.Write(to, from, bytes)) return;
  status_ = absl::InternalError(absl::StrCat("writing to ", std::string(backend_.name()),
                                             " failed: ", std::string(backend_.error())));
}

void Memory::Clear() {
  for (void* memory : held_) backend_.Free(memory);
  held_.clear();
}

BatchShape BatchShape::Of(const LearnerConfig& config) {
  const AlgorithmConfig& algorithm = config.algorithm;
  return {.real = config.RealRows(),
          .sim = config.SimRows(),
          .discriminator_rows =
              algorithm.NeedsDiscriminators() ? config.optimizer.DiscriminatorBatchSize() : 0,
          .noisy = algorithm.NeedsGap() ? algorithm.gap_samples : 0,
          .cql = algorithm.regularizer == Regularizer::kCql ? algorithm.cql_actions : 0};
}

StepSettings SettingsOf(const LearnerConfig& config, const NetLayouts& nets,
                        const BatchShape& shape, int seeds, Arithmetic arithmetic) {
  const AlgorithmConfig& a = config.algorithm;
  const OptimizerConfig& optimizer = config.optimizer;
  const NetworkConfig& networks = config.networks;
  StepSettings s = {};
  s.seeds = seeds;
  s.observation = config.observation_dim;
  s.action = config.action_dim;
  s.sas = 2 * s.observation + s.action;
  s.width = s.sas + 2;
  s.real = shape.real;
  s.sim = shape.sim;
  s.discriminator_rows = shape.discriminator_rows;
  s.exact = a.NeedsRatio() ? 1 : 0;
  s.noisy = shape.noisy;
  s.modelled = a.NeedsDynamicsModel();
  s.has_value = a.NeedsValue();
  s.exploit = a.exploit_coefficient;
  s.expectile = a.value_expectile;
  s.cql = shape.cql;
  s.difference = a.discriminator_input == DiscriminatorInput::kScaledDifference;
  s.gap_penalty = a.HasGapRegularizer();
  s.uniform_gap = s.gap_penalty && a.gap_weight == GapWeight::kUniform;
  s.weighted = a.critic_weight == CriticWeight::kDynamicsRatio;
  s.shaped = a.reward_shaping == RewardShaping::kDynamicsLogRatio;
  s.backup_entropy = a.backup_entropy;
  s.fixed_log_std = networks.fixed_log_std;
  s.penalty = PenaltyOf(a.regularizer);
  s.arithmetic = arithmetic;
  s.discount = optimizer.discount;
  s.tau = optimizer.tau;
  s.min_q_weight = a.min_q_weight;
  s.ratio_min = a.ratio_min;
  s.ratio_max = a.ratio_max;
  s.gap_min = a.gap_min;
  s.gap_max = a.gap_max;
  s.shaping_clip = a.reward_shaping_clip;
  s.discriminator_noise = a.discriminator_noise;
  s.target_entropy = config.TargetEntropy();
  s.log_std_min = networks.log_std_min;
  s.log_std_max = networks.log_std_max;
  s.policy_average = optimizer.policy_average;
  s.discriminator_learning_rate = s.learning_rate = optimizer.learning_rate;
  s.learning_rate_final_fraction = optimizer.learning_rate_final_fraction;
  s.total_steps = static_cast<double>(optimizer.gradient_steps);
  s.constant_steps = optimizer.learning_rate_constant_part * s.total_steps;
  s.multiplier = nets.multiplier;
  s.offset = nets.offset;
  s.log_alpha = nets.log_alpha;
  s.critics = nets.critics_begin;
  return s;
}

template <typename T>
void AllocateState(const NetLayouts& nets, int seeds, Memory& memory, StepArguments<T>& step) {
  step.policy = nets.policy;
  step.critics = nets.critics;
  step.targets = nets.targets;
  step.sa = nets.sa;
  step.sas = nets.sas;
  step.value = nets.value;
  step.model = nets.model;
  step.main = TakeGroup<T>(seeds, nets.main_size, /*trained=*/true, memory);
  step.target_group = TakeGroup<T>(seeds, nets.targets_size, /*trained=*/false, memory);
  step.discriminators = TakeGroup<T>(seeds, nets.discriminators_size, /*trained=*/true, memory);
  step.model_group = TakeGroup<T>(seeds, nets.model_size, /*trained=*/false, memory);
  step.average = memory.Take<T>(int64_t{seeds} * nets.critics_begin);
  step.state = memory.Take<SeedState>(seeds);
  step.real = memory.Take<ReplayView>(seeds);
  step.sim = memory.Take<ReplayView>(seeds);
  step.losses = memory.Take<T>(int64_t{seeds} * kLosses);
}

template <typename T>
void AllocateBatch(Memory& memory, StepArguments<T>& step) {
  const StepSettings& c = step.settings;
  const int64_t seeds = c.seeds;
  const int rows = c.rows(), sa = c.observation + c.action;
  step.q_rows = rows + 3 * c.cql * c.real;
  step.target_rows = rows + (c.has_value ? c.real : 0);
  const int dynamics_rows = c.sim * (c.exact + c.noisy);
  const auto take = [&](int64_t count) { return memory.Take<T>(seeds * count); };
  step.rows = take(int64_t{rows} * c.width);
  step.critic_inputs = take(int64_t{step.q_rows} * sa);
  step.policy_inputs = take(int64_t{rows} * sa);
  step.target_inputs = take(int64_t{step.target_rows} * sa);
  step.policy_noise = take(int64_t{rows} * c.action);
  step.next_policy_noise = take(int64_t{rows} * c.action);
  step.cql_noise = take(int64_t{c.real} * 2 * c.cql * c.action);
  step.log_prob = take(rows);
  step.next_log_prob = take(rows);
  step.cql_log_density = take(int64_t{c.real} * 3 * c.cql);
  step.action_gradient = take(int64_t{2} * rows * c.action);
  step.log_ratio = take(c.sim);
  step.ratio = take(c.sim);
  step.u = take(c.sim);
  step.omega = take(c.sim);
  step.target = take(rows);
  step.policy_pass = TakePass<T>(seeds, step.policy, rows, /*backward=*/true, memory);
  step.next_policy_pass = TakePass<T>(seeds, step.policy, rows, /*backward=*/false, memory);
  step.critic_pass = TakePass<T>(seeds, step.critics, step.q_rows, /*backward=*/true, memory);
  step.policy_critic_pass = TakePass<T>(seeds, step.critics, rows, /*backward=*/true, memory);
  step.target_pass = TakePass<T>(seeds, step.targets, step.target_rows, /*backward=*/false, memory);
  step.value_pass = TakePass<T>(seeds, step.value, c.real, /*backward=*/true, memory);
  step.next_value_pass = TakePass<T>(seeds, step.value, rows, /*backward=*/false, memory);
  step.model_pass = TakePass<T>(seeds, step.model, c.sim, /*backward=*/false, memory);
  if (c.discriminator_rows == 0) return;
  const int both = 2 * c.discriminator_rows;
  step.discriminator_inputs = take(int64_t{both} * c.sas);
  step.dynamics_inputs = take(int64_t{dynamics_rows} * c.sas);
  step.sa_logits = take(int64_t{both} * 2);
  step.sas_logits = take(int64_t{both} * 2);
  step.sa_pass = TakePass<T>(seeds, step.sa, both, /*backward=*/true, memory);
  step.sas_pass = TakePass<T>(seeds, step.sas, both, /*backward=*/true, memory);
  step.dynamics_pass = TakePass<T>(seeds, step.sas, dynamics_rows, /*backward=*/false, memory);
}

template void AllocateState(const NetLayouts&, int, Memory&, StepArguments<float>&);
template void AllocateState(const NetLayouts&, int, Memory&, StepArguments<double>&);
template void AllocateBatch(Memory&, StepArguments<float>&);
template void AllocateBatch(Memory&, StepArguments<double>&);

}  // namespace estuary::learner::cuda
