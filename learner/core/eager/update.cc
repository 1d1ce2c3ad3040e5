#include "learner/core/eager/update.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"

namespace estuary::learner {
namespace {

constexpr double kLossBound = 1e12;
// Reading a loss waits for a GPU, so there it is looked at so often; a NaN stays.
constexpr uint64_t kStepsBetweenDeviceChecks = 100;

at::Tensor MinOfTwins(const at::Tensor& q) { return at::minimum(q.select(0, 0), q.select(0, 1)); }

}  // namespace

Update::Update(const LearnerConfig& config, InputScaling scaling, const at::Generator& generator,
               at::TensorOptions options)
    : config_(config),
      scaling_(std::move(scaling)),
      options_(options),
      layout_{config.observation_dim, config.action_dim},
      nets_(config, generator, options),
      main_adam_(nets_.main().flat()) {
  if (nets_.has_discriminators()) discriminator_adam_ = Adam(nets_.discriminators().flat());
  RestartAverage();
}

void Update::RestartAverage() { average_ = nets_.PolicyPart(nets_.main().flat()).clone(); }

absl::Status Update::Run(const StepBatch& batch) {
  record_ = {};
  record_.real_rows = batch.real_rows;
  record_.learning_rate = config_.optimizer.LearningRateAt(steps_done_);
  if (nets_.has_discriminators()) {
    if (auto status = TrainDiscriminators(batch); !status.ok()) return status;
  }

  const at::Tensor rows = scaling_.Rows(batch.rows);
  const at::Tensor alpha = nets_.log_alpha().detach().exp();
  EvaluateDynamics(batch, rows);
  const Constants constants = EvaluateConstants(batch, rows);

  const at::Tensor observation = rows.narrow(1, 0, layout_.observation);
  const GaussianHead head = nets_.Policy(observation);
  const PolicySample sample = SamplePolicy(head, batch.policy_noise);
  record_.log_prob = sample.log_prob.detach();
  const at::Tensor q_policy = nets_.FrozenCritics(at::cat({observation, sample.action}, 1));
  const at::Tensor policy_loss = PolicyLoss(alpha, sample.log_prob, MinOfTwins(q_policy));
  const at::Tensor alpha_loss =
      TemperatureLoss(nets_.log_alpha(), record_.log_prob, config_.TargetEntropy());
  record_.losses.emplace_back("policy", policy_loss.detach());
  record_.losses.emplace_back("alpha", alpha_loss.detach());
  at::Tensor loss = CriticLoss(batch, rows, constants, head);
  if (constants.value_target.defined()) {
    loss = at::add(loss, ValueLoss(batch, rows, constants.value_target));
  }
  if (auto status = CheckLosses(); !status.ok()) return status;

  // They reach disjoint parameters, so one pass gives each its own gradient.
  const at::Tensor& gradient = nets_.main().Differentiate(loss + policy_loss + alpha_loss);
  ++steps_done_;
  main_adam_.Step(nets_.main().flat(), gradient, record_.learning_rate, steps_done_);
  const at::NoGradGuard no_grad;
  at::Tensor(nets_.targets().flat())
      .lerp_(nets_.CriticPart(nets_.main().flat()), config_.optimizer.tau);
  if (config_.optimizer.policy_average < 1) {
    average_.lerp_(nets_.PolicyPart(nets_.main().flat()), config_.optimizer.policy_average);
  }
  return absl::OkStatus();
}

void Update::Probe(const StepBatch& batch) {
  record_ = {};
  const at::Tensor rows = scaling_.Rows(batch.rows);
  EvaluateDynamics(batch, rows);
  const at::NoGradGuard no_grad;
  record_.q = nets_.Critics(rows.narrow(1, 0, layout_.observation + layout_.action));
}

absl::Status Update::TrainDiscriminators(const StepBatch& batch) {
  const int64_t rows = batch.discriminator_rows.size(0);
  if (!labels_.defined() || labels_.size(0) != rows) {
    labels_ = at::full({rows}, kSimColumn, options_.dtype(at::kLong));
    labels_.narrow(0, 0, rows / 2).fill_(kRealColumn);
  }
  const at::Tensor sas = at::add(scaling_.DiscriminatorInputs(batch.discriminator_rows),
                                 batch.discriminator_noise, config_.algorithm.discriminator_noise);
  const at::Tensor z_sa =
      nets_.DiscriminatorSa(sas.narrow(1, 0, layout_.observation + layout_.action));
  const at::Tensor z_sas = nets_.DiscriminatorSas(sas);
  // c_sas = softmax(z_sas + z_sa): the second loss reaches d_sa too.
  const at::Tensor sum = at::add(z_sas, z_sa);
  const at::Tensor loss_sa = DiscriminatorLoss(z_sa, labels_);
  const at::Tensor loss_sas = DiscriminatorLoss(sum, labels_);
  record_.sa_logits = z_sa.detach();
  record_.sas_logits = sum.detach();
  record_.losses.emplace_back("d_sa", loss_sa.detach());
  record_.losses.emplace_back("d_sas", loss_sas.detach());
  if (auto status = CheckLosses(); !status.ok()) return status;
  const at::Tensor& gradient = nets_.discriminators().Differentiate(loss_sa + loss_sas);
  discriminator_adam_.Step(nets_.discriminators().flat(), gradient, config_.optimizer.learning_rate,
                           steps_done_ + 1);
  return absl::OkStatus();
}

void Update::SampleNext(const StepBatch& batch, const at::Tensor& rows, const at::Tensor& inputs) {
  at::Tensor next = inputs.narrow(2, layout_.next_observation_at(), layout_.observation);
  if (!nets_.has_dynamics()) {
    next.addcmul_(batch.next_state_noise, scaling_.DiscriminatorStd(batch.state_std));
    return;
  }
  const auto sim = [&](const at::Tensor& all) {
    return all.narrow(0, batch.real_rows, batch.sim_rows);
  };
  const DynamicsPrediction prediction =
      nets_.Dynamics(sim(rows).narrow(1, 0, layout_.observation + layout_.action));
  next.copy_(scaling_.DiscriminatorNext(sim(batch.rows),
                                        SampledDifference(prediction, batch.next_state_noise)));
}

// The ratio at the simulated s' and u from N noisy ones in a single pass through d_sas.
void Update::EvaluateDynamics(const StepBatch& batch, const at::Tensor& rows) {
  const AlgorithmConfig& algorithm = config_.algorithm;
  const at::NoGradGuard no_grad;
  const int64_t n = batch.sim_rows;
  const int64_t exact = algorithm.NeedsRatio() ? 1 : 0;
  const int64_t noisy = algorithm.NeedsGap() ? batch.next_state_noise.size(1) : 0;
  if (exact + noisy > 0) {
    const at::Tensor sas = scaling_.DiscriminatorInputs(batch.rows.narrow(0, batch.real_rows, n),
                                                        rows.narrow(0, batch.real_rows, n));
    at::Tensor inputs = sas.unsqueeze(1).repeat({1, exact + noisy, 1});
    if (noisy > 0) SampleNext(batch, rows, inputs.narrow(1, exact, noisy));
    const at::Tensor log_ratio =
        DynamicsLogRatio(nets_.DiscriminatorSas(inputs.view({-1, sas.size(1)})))
            .view({n, exact + noisy});
    if (exact > 0) record_.log_ratio = log_ratio.select(1, 0);
    if (noisy > 0) {
      const auto gap = nets_.has_dynamics() ? &ReverseDynamicsGap : &DynamicsGap;
      record_.u = gap(log_ratio.narrow(1, exact, noisy), algorithm.gap_min, algorithm.gap_max);
    }
  }
  if (algorithm.HasGapRegularizer()) {
    if (algorithm.gap_weight == GapWeight::kUniform) record_.u = at::ones({n}, options_);
    record_.omega = GapWeights(record_.u);
  }
  if (algorithm.critic_weight == CriticWeight::kDynamicsRatio) {
    record_.ratio = ClampedRatio(record_.log_ratio, algorithm.ratio_min, algorithm.ratio_max);
  }
}

Update::Constants Update::EvaluateConstants(const StepBatch& batch, const at::Tensor& rows) {
  const AlgorithmConfig& algorithm = config_.algorithm;
  const at::NoGradGuard no_grad;
  Constants constants;
  if (algorithm.critic_weight == CriticWeight::kDynamicsRatio) constants.weight = record_.ratio;
  if (algorithm.regularizer == Regularizer::kWeightedLogSumExp) {
    constants.log_omega = LogGapWeights(record_.u);
  }
  const at::Tensor next = rows.narrow(1, layout_.next_observation_at(), layout_.observation);
  constants.next_head = nets_.Policy(next);
  at::Tensor action, entropy;
  if (algorithm.backup_entropy) {
    const PolicySample sample = SamplePolicy(constants.next_head, batch.next_policy_noise);
    action = sample.action;
    entropy = at::mul(sample.log_prob, nets_.log_alpha().exp());
  } else {
    action = SquashedAction(constants.next_head, batch.next_policy_noise);
  }
  at::Tensor value = MinOfTwins(nets_.TargetCritics(at::cat({next, action}, 1)));
  if (entropy.defined()) value = at::sub(value, entropy);
  if (algorithm.NeedsValue()) {
    value = BlendedValue(nets_.Value(next), value, algorithm.exploit_coefficient);
    constants.value_target = MinOfTwins(nets_.TargetCritics(
        rows.narrow(0, 0, batch.real_rows).narrow(1, 0, layout_.observation + layout_.action)));
  }
  at::Tensor reward = rows.select(1, layout_.reward_at());
  if (algorithm.reward_shaping == RewardShaping::kDynamicsLogRatio) {
    reward = reward.clone();
    reward.narrow(0, batch.real_rows, batch.sim_rows)
        .add_(at::clamp(record_.log_ratio, -algorithm.reward_shaping_clip,
                        algorithm.reward_shaping_clip));
  }
  constants.target = BellmanTarget(reward, rows.select(1, layout_.terminal_at()),
                                   config_.optimizer.discount, value);
  record_.target = constants.target;
  return constants;
}

at::Tensor Update::CriticLoss(const StepBatch& batch, const at::Tensor& rows,
                              const Constants& constants, const GaussianHead& head) {
  const AlgorithmConfig& algorithm = config_.algorithm;
  const at::Tensor q = nets_.Critics(rows.narrow(1, 0, layout_.observation + layout_.action));
  record_.q = q.detach();
  const std::vector<int64_t> counts = {batch.real_rows, batch.sim_rows};
  const auto q_parts = at::split_with_sizes(q, counts, 1);
  const auto target_parts = at::split_with_sizes(constants.target, counts, 0);

  at::Tensor td;
  if (algorithm.UsesReal()) {
    td = TemporalDifference(q_parts[0], target_parts[0]);
    record_.losses.emplace_back("td_real", td.detach());
  }
  if (algorithm.UsesSim()) {
    const at::Tensor td_sim =
        constants.weight.defined()
            ? WeightedTemporalDifference(q_parts[1], target_parts[1], constants.weight)
            : TemporalDifference(q_parts[1], target_parts[1]);
    record_.losses.emplace_back("td_sim", td_sim.detach());
    td = td.defined() ? at::add(td, td_sim) : td_sim;
  }
  record_.losses.emplace_back("td", td.detach());
  if (algorithm.regularizer == Regularizer::kNone) return td.sum();

  at::Tensor regularizer;
  switch (algorithm.regularizer) {
    case Regularizer::kWeightedLogSumExp:
      regularizer = LogSumExpRegularizer(q_parts[1], q_parts[0], constants.log_omega);
      break;
    case Regularizer::kWeightedMean:
      regularizer = MeanRegularizer(q_parts[1], q_parts[0], record_.omega);
      break;
    default:
      regularizer = CqlPenalty(batch, rows, q_parts[0], head, constants.next_head);
  }
  record_.losses.emplace_back("regularizer", regularizer.detach());
  return at::add(td, regularizer, algorithm.min_q_weight).sum();
}

at::Tensor Update::ValueLoss(const StepBatch& batch, const at::Tensor& rows,
                             const at::Tensor& target) {
  const at::Tensor v =
      nets_.Value(rows.narrow(0, 0, batch.real_rows).narrow(1, 0, layout_.observation));
  const at::Tensor loss = ExpectileLoss(v, target, config_.algorithm.value_expectile);
  record_.v = v.detach();
  record_.losses.emplace_back("v", loss.detach());
  return loss;
}

at::Tensor Update::CqlPenalty(const StepBatch& batch, const at::Tensor& rows,
                              const at::Tensor& q_data, const GaussianHead& head,
                              const GaussianHead& next_head) {
  const int64_t n = batch.real_rows, k = batch.cql_uniform_actions.size(1);
  const at::Tensor observation = rows.narrow(1, 0, layout_.observation);
  at::Tensor inputs, log_density;
  {
    const at::NoGradGuard no_grad;
    const PolicySample next = SamplePolicy(next_head, batch.cql_next_noise);
    const PolicySample current =
        SamplePolicy({head.mean.detach(), head.log_std.detach()}, batch.cql_current_noise);
    const at::Tensor uniform = at::full({n, k}, LogUniformDensity(layout_.action), options_);
    log_density = at::cat({uniform, next.log_prob, current.log_prob}, 1);
    const at::Tensor actions = at::cat({batch.cql_uniform_actions, next.action, current.action}, 1);
    inputs = at::cat({observation.unsqueeze(1).expand({n, 3 * k, -1}), actions}, 2);
  }
  const at::Tensor q = nets_.Critics(inputs.view({n * 3 * k, -1})).view({2, n, 3 * k});
  return CqlRegularizer(q, log_density, q_data);
}

absl::Status Update::CheckLosses() const {
  if (options_.device().is_cuda() && steps_done_ % kStepsBetweenDeviceChecks != 0) {
    return absl::OkStatus();
  }
  bool sound = true;
  std::string losses;
  for (const auto& [name, tensor] : record_.losses) {
    const HostTensor host = ToHost(tensor);
    for (double value : host.values) {
      sound = sound && std::abs(value) <= kLossBound;
    }
  }
  if (sound) return absl::OkStatus();
  for (const auto& [name, tensor] : record_.losses) {
    for (double value : ToHost(tensor).values) absl::StrAppend(&losses, " ", name, "=", value);
  }
  return absl::InternalError(
      absl::StrCat("gradient step ", steps_done_ + 1,
                   " diverged, a loss is not finite or beyond 1e12:", losses));
}

void Update::Export(TensorTree& tree) {
  ParameterGroup& main = nets_.main();
  main.Export(main.flat(), "parameter/", tree);
  main.Export(main_adam_.first(), "first_moment/", tree);
  main.Export(main_adam_.second(), "second_moment/", tree);
  nets_.targets().Export(nets_.targets().flat(), "parameter/", tree);
  if (nets_.has_discriminators()) {
    ParameterGroup& group = nets_.discriminators();
    group.Export(group.flat(), "parameter/", tree);
    group.Export(discriminator_adam_.first(), "first_moment/", tree);
    group.Export(discriminator_adam_.second(), "second_moment/", tree);
  }
  if (nets_.has_dynamics()) {
    nets_.dynamics().Export(nets_.dynamics().flat(), "parameter/", tree);
  }
  tree["policy_average"] = ToHost(average_);
  scaling_.Export(tree);
}

absl::Status Update::Import(const TensorTree& tree, uint64_t steps_done) {
  // Into copies first, so that a damaged state changes nothing.
  ParameterGroup& main = nets_.main();
  ParameterGroup& targets = nets_.targets();
  ParameterGroup& discriminators = nets_.discriminators();
  InputScaling scaling = scaling_;
  std::vector<std::pair<at::Tensor, at::Tensor>> copies;
  absl::Status status = scaling.Import(tree);
  const auto import = [&](const ParameterGroup& group, const char* prefix, const at::Tensor& to) {
    const at::Tensor copy = at::empty_like(to);
    status.Update(group.Import(tree, prefix, copy));
    copies.emplace_back(to, copy);
  };
  import(main, "parameter/", main.flat());
  import(main, "first_moment/", main_adam_.first());
  import(main, "second_moment/", main_adam_.second());
  import(targets, "parameter/", targets.flat());
  if (nets_.has_discriminators()) {
    import(discriminators, "parameter/", discriminators.flat());
    import(discriminators, "first_moment/", discriminator_adam_.first());
    import(discriminators, "second_moment/", discriminator_adam_.second());
  }
  if (nets_.has_dynamics()) import(nets_.dynamics(), "parameter/", nets_.dynamics().flat());
  const auto average = Find(tree, "policy_average", average_.sizes().vec(), "the saved state");
  status.Update(average.status());
  if (!status.ok()) return status;
  const at::NoGradGuard no_grad;
  for (const auto& [to, copy] : copies) at::Tensor(to).copy_(copy);
  average_.copy_(FromHost(**average, options_));
  scaling_ = std::move(scaling);
  steps_done_ = steps_done;
  record_ = {};
  return absl::OkStatus();
}

}  // namespace estuary::learner
