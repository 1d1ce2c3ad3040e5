#include "learner/core/native/update.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace estuary::learner::native {
namespace {

constexpr double kLossBound = 1e12;

// Where a step has less to compute, handing over its halves costs more than it saves. Measured on
// an otherwise idle machine, two threads take 1.25 times as long as one at 2.5 million operations,
// 0.75 times at 37 million and 0.55 times at 1.2 billion.
constexpr double kOperationsWorthAThread = 2e7;

// About the floating-point operations of a step.
double Operations(const LearnerConfig& config, const Nets& nets) {
  const BatchShape shape = BatchShape::Of(config);
  const AlgorithmConfig& algorithm = config.algorithm;
  const double critics = static_cast<double>(nets.CriticRange(0).size + nets.CriticRange(1).size);
  const double policy = static_cast<double>(nets.PolicyRange().size);
  const double discriminators = static_cast<double>(nets.DiscriminatorRange().size);
  double operations = shape.rows() * (13 * critics + 8 * policy);
  if (algorithm.NeedsValue()) {
    const double value = static_cast<double>(nets.ValueRange().size);
    operations += shape.rows() * 2 * value + shape.real_rows * (6 * value + 2 * critics);
  }
  operations += 2 * shape.discriminator_rows * 6 * discriminators;
  if (algorithm.NeedsGap()) operations += shape.sim_rows * algorithm.gap_samples * discriminators;
  if (algorithm.regularizer == Regularizer::kCql) {
    operations += 3.0 * algorithm.cql_actions * shape.real_rows * 6 * critics;
  }
  return operations;
}

bool IsSound(double loss) { return std::abs(loss) <= kLossBound; }

}  // namespace

StepMemory::StepMemory(const LearnerConfig& config, const Nets& nets, const BatchShape& shape)
    : batch(config, shape),
      discriminators(config.algorithm.NeedsDiscriminators()
                         ? std::make_unique<DiscriminatorTraining>(nets, batch)
                         : nullptr),
      policy(config, nets, batch),
      value(config.algorithm.NeedsValue() ? std::make_unique<ValuePart>(nets, batch) : nullptr),
      critics(config, nets, batch),
      dynamics_halves{
          DynamicsPass(nets, batch, 0, batch.dynamics_samples > 0 ? shape.sim_rows / 2 : 0),
          DynamicsPass(nets, batch, shape.sim_rows / 2,
                       batch.dynamics_samples > 0 ? shape.sim_rows - shape.sim_rows / 2 : 0)},
      noise_weights(NoiseWeights(nets, batch)),
      log_ratio(int64_t{shape.sim_rows} * batch.dynamics_samples) {
  const AlgorithmConfig& algorithm = config.algorithm;
  const size_t n = static_cast<size_t>(shape.sim_rows);
  if (algorithm.HasGapRegularizer()) {
    // Uniform, until the discriminators say otherwise.
    dynamics.u.assign(n, 1);
    dynamics.omega.assign(n, 1 / static_cast<float>(n));
    dynamics.log_omega.assign(n, -std::log(static_cast<float>(n)));
  }
  if (algorithm.NeedsRatio()) dynamics.log_ratio.assign(n, 0);
  if (algorithm.critic_weight == CriticWeight::kDynamicsRatio) dynamics.ratio.assign(n, 1);
}

Update::Update(const LearnerConfig& config, uint64_t seed, int threads)
    : config_(config),
      random_{Random(seed, 0), Random(seed, 1)},
      nets_(config_, random_[1]),
      average_(nets_.PolicyRange().size),
      worker_(threads > 1 && Operations(config_, nets_) > kOperationsWorthAThread) {
  RestartAverage();
}

void Update::RestartAverage() {
  std::memcpy(average_.data(), nets_.values() + nets_.PolicyRange().begin,
              static_cast<size_t>(nets_.PolicyRange().size) * sizeof(float));
}

void Update::TrainDiscriminators(StepMemory& memory) {
  DiscriminatorTraining& training = *memory.discriminators;
  training.Run(nets_, memory.batch);
  discriminators_sound_ = IsSound(training.loss_sa()) && IsSound(training.loss_sas());
  if (!discriminators_sound_) return;
  nets_.AdamDiscriminators(config_.optimizer.learning_rate, steps_done_ + 1);
  if (memory.batch.dynamics_samples > 0) {
    ScaleNoiseWeights(nets_, memory.batch, memory.noise_weights);
  }
}

void Update::EvaluateCritics(StepMemory& memory) {
  const bool has_value = memory.value != nullptr;
  if (has_value) memory.value->Run(config_, nets_, memory.batch);
  memory.critics.Evaluate(config_, nets_, memory.batch, has_value ? memory.value->next() : nullptr);
}

void Update::EvaluateDynamics(StepMemory& memory) {
  const AlgorithmConfig& algorithm = config_.algorithm;
  Batch& batch = memory.batch;
  DynamicsRows& rows = memory.dynamics;
  const int samples = batch.dynamics_samples, exact = samples - batch.gap_samples;
  if (samples > 0) {
    const auto half = [&](int i) {
      memory.dynamics_halves[i].Run(nets_, batch, memory.noise_weights, memory.log_ratio);
    };
    worker_.Both([&] { half(0); }, [&] { half(1); });
  }
  const size_t n = static_cast<size_t>(batch.shape.sim_rows);
  const double sign = algorithm.NeedsDynamicsModel() ? 1 : -1;
  for (size_t i = 0; i < n && samples > 0; ++i) {
    const float* log_ratio = memory.log_ratio.data() + static_cast<int64_t>(i) * samples;
    if (exact > 0) rows.log_ratio[i] = log_ratio[0];
    if (!rows.ratio.empty()) {
      rows.ratio[i] = std::clamp(std::exp(log_ratio[0]), static_cast<float>(algorithm.ratio_min),
                                 static_cast<float>(algorithm.ratio_max));
    }
    if (batch.gap_samples > 0) {
      double sum = 0;
      for (int k = exact; k < samples; ++k) sum += log_ratio[k];
      // In float32 and never flushed to zero: 1e-45 is the least.
      rows.u[i] =
          std::clamp(static_cast<float>(sign * sum / batch.gap_samples),
                     static_cast<float>(algorithm.gap_min), static_cast<float>(algorithm.gap_max));
    }
  }
  if (batch.gap_samples == 0) return;
  double sum = 0;
  for (const float u : rows.u) sum += u;
  const double log_sum = std::log(sum);
  for (size_t i = 0; i < n; ++i) {
    rows.omega[i] = static_cast<float>(rows.u[i] / sum);
    rows.log_omega[i] = static_cast<float>(std::log(static_cast<double>(rows.u[i])) - log_sum);
  }
}

void Update::ApplyGradients() {
  const OptimizerConfig& optimizer = config_.optimizer;
  const auto critics = [&] {
    for (const int i : {0, 1}) {
      nets_.AdamCritic(i, learning_rate_, steps_done_, optimizer.tau);
    }
  };
  const auto rest = [&] {
    const bool averaged = optimizer.policy_average < 1;
    nets_.AdamPolicy(learning_rate_, steps_done_, averaged ? average_.data() : nullptr,
                     optimizer.policy_average);
    nets_.AdamAlpha(learning_rate_, steps_done_);
    nets_.AdamValue(learning_rate_, steps_done_);
  };
  worker_.Both(critics, rest);
}

std::vector<std::pair<std::string, double>> Update::Losses(const StepMemory& memory) const {
  std::vector<std::pair<std::string, double>> losses;
  if (memory.discriminators != nullptr) {
    losses.emplace_back("d_sa", memory.discriminators->loss_sa());
    losses.emplace_back("d_sas", memory.discriminators->loss_sas());
  }
  if (!discriminators_sound_) return losses;
  losses.emplace_back("policy", memory.policy.loss());
  losses.emplace_back("alpha", memory.policy.alpha_loss());
  const auto add = [&](const char* name, bool present, auto value) {
    if (!present) return;
    losses.emplace_back(absl::StrCat("q1_", name), value(memory.critics.losses(0)));
    losses.emplace_back(absl::StrCat("q2_", name), value(memory.critics.losses(1)));
  };
  const AlgorithmConfig& algorithm = config_.algorithm;
  add("td_real", algorithm.UsesReal(), [](const CriticLosses& l) { return l.td_real; });
  add("td_sim", algorithm.UsesSim(), [](const CriticLosses& l) { return l.td_sim; });
  add("td", true, [](const CriticLosses& l) { return l.td_real + l.td_sim; });
  add("regularizer", algorithm.regularizer != Regularizer::kNone,
      [](const CriticLosses& l) { return l.regularizer; });
  if (memory.value != nullptr) losses.emplace_back("v", memory.value->loss());
  return losses;
}

bool Update::Sound(const StepMemory& memory) const {
  bool sound = IsSound(memory.policy.loss()) && IsSound(memory.policy.alpha_loss());
  if (memory.value != nullptr) sound = sound && IsSound(memory.value->loss());
  for (int i = 0; i < 2; ++i) {
    const CriticLosses& losses = memory.critics.losses(i);
    sound =
        sound && IsSound(losses.td_real) && IsSound(losses.td_sim) && IsSound(losses.regularizer);
  }
  return sound;
}

absl::Status Update::Diverged(const StepMemory& memory) const {
  std::string losses;
  for (const auto& [name, value] : Losses(memory)) absl::StrAppend(&losses, " ", name, "=", value);
  return absl::InternalError(
      absl::StrCat("gradient step ", steps_done_ + 1,
                   " diverged, a loss is not finite or beyond 1e12:", losses));
}

}  // namespace estuary::learner::native
