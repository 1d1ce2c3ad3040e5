#include "common/experiment/experiment.h"

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "common/experiment/algorithms.h"
#include "common/experiment/validate.h"
#include "common/process/status.h"
#include "common/process/textproto.h"

namespace estuary::experiment {
namespace {

// Sets an optional field that nobody set.
#define ESTUARY_DEFAULT(message, field, value) \
  if (!(message).has_##field()) (message).set_##field(value)

void FillAlgorithm(v1::Algorithm& a) {
  ESTUARY_DEFAULT(a, min_q_weight, a.regularizer() == v1::Algorithm::CQL ? 2.0 : 0.01);
  ESTUARY_DEFAULT(a, ratio_min, 1e-5);
  ESTUARY_DEFAULT(a, ratio_max, 1.0);
  ESTUARY_DEFAULT(a, gap_min, 1e-45);
  ESTUARY_DEFAULT(a, gap_max, 10.0);
  ESTUARY_DEFAULT(a, gap_samples, 10);
  ESTUARY_DEFAULT(a, cql_actions, 10);
  ESTUARY_DEFAULT(a, reward_shaping_clip, 10.0);
  ESTUARY_DEFAULT(a, discriminator_noise, 0.1);
  ESTUARY_DEFAULT(a, exploit_coefficient, 0.5);
  ESTUARY_DEFAULT(a, value_expectile, 0.5);
  ESTUARY_DEFAULT(a, dynamics_model_steps, 20'000);
  ESTUARY_DEFAULT(a, dynamics_model_learning_rate, 1e-3);
  ESTUARY_DEFAULT(a, dynamics_model_batch_size, 256);
  if (a.next_state_noise() == v1::Algorithm::NEXT_STATE_NOISE_UNSPECIFIED) {
    a.set_next_state_noise(v1::Algorithm::DATASET_STD);
  }
  if (a.discriminator_input() == v1::Algorithm::DISCRIMINATOR_INPUT_UNSPECIFIED) {
    a.set_discriminator_input(v1::Algorithm::NEXT_OBSERVATION);
  }
}

void FillNetworks(v1::Networks& n) {
  if (n.hidden().empty()) {
    n.add_hidden(256);
    n.add_hidden(256);
  }
  if (n.discriminator_hidden().empty()) {
    n.add_discriminator_hidden(256);
    n.add_discriminator_hidden(256);
  }
  if (n.dynamics_hidden().empty()) {
    n.add_dynamics_hidden(256);
    n.add_dynamics_hidden(256);
  }
  ESTUARY_DEFAULT(n, log_std_multiplier, 1.0);
  ESTUARY_DEFAULT(n, log_std_offset, -1.0);
  ESTUARY_DEFAULT(n, log_std_min, -20.0);
  ESTUARY_DEFAULT(n, log_std_max, 2.0);
}

// target_entropy stays unset where the user said nothing: it depends on the task's action
// dimension, which the learner learns from the schema.
void FillOptimizer(v1::Optimizer& o) {
  ESTUARY_DEFAULT(o, learning_rate, 3e-4);
  ESTUARY_DEFAULT(o, learning_rate_constant_part, 1.0);
  ESTUARY_DEFAULT(o, learning_rate_final_fraction, 1.0);
  ESTUARY_DEFAULT(o, batch_size, 256);
  ESTUARY_DEFAULT(o, real_fraction, 0.5);
  ESTUARY_DEFAULT(o, discriminator_batch_size, o.batch_size());
  ESTUARY_DEFAULT(o, discount, 0.99);
  ESTUARY_DEFAULT(o, tau, 5e-3);
  ESTUARY_DEFAULT(o, reward_scale, 1.0);
  ESTUARY_DEFAULT(o, initial_temperature, 1.0);
  ESTUARY_DEFAULT(o, policy_average, 1.0);
}

void FillBudget(v1::Budget& b) {
  ESTUARY_DEFAULT(b, environment_steps, 1'000'000);
  ESTUARY_DEFAULT(b, gradient_steps, 1'000'000);
  ESTUARY_DEFAULT(b, environment_steps_per_epoch, 1000);
  ESTUARY_DEFAULT(b, gradient_steps_per_epoch, 1000);
  ESTUARY_DEFAULT(b, publish_every, b.gradient_steps_per_epoch());
  ESTUARY_DEFAULT(b, checkpoint_every, 10 * b.gradient_steps_per_epoch());
  ESTUARY_DEFAULT(b, checkpoints_kept, 2);
}

void FillRest(v1::Experiment& e) {
  ESTUARY_DEFAULT(*e.mutable_exploration(), random_steps, 0);
  ESTUARY_DEFAULT(*e.mutable_exploration(), noise_correlation, 0.0);
  v1::Evaluation& evaluation = *e.mutable_evaluation();
  ESTUARY_DEFAULT(evaluation, every_epochs, 10);
  ESTUARY_DEFAULT(evaluation, episodes, 5);
  ESTUARY_DEFAULT(evaluation, sim_episodes, evaluation.episodes());
  const uint64_t real_rows = e.dataset().transitions();
  v1::ReplayLimits& replay = *e.mutable_replay();
  ESTUARY_DEFAULT(replay, sim_capacity, real_rows > 0 ? 10 * real_rows : 1'000'000);
  ESTUARY_DEFAULT(replay, real_capacity, real_rows > 0 ? 2 * real_rows : 2'000'000);
  ESTUARY_DEFAULT(replay, error_buffer,
                  static_cast<double>(e.budget().environment_steps_per_epoch()));
  v1::Cluster& cluster = *e.mutable_cluster();
  ESTUARY_DEFAULT(cluster, shards, 2);
  ESTUARY_DEFAULT(cluster, actors, 1);
  ESTUARY_DEFAULT(cluster, environments_per_actor, e.deterministic() ? 1 : 8);
  ESTUARY_DEFAULT(cluster, learner_threads, 1);
  if (cluster.device() == v1::Cluster::DEVICE_UNSPECIFIED) cluster.set_device(v1::Cluster::AUTO);
  ESTUARY_DEFAULT(e, seed, 1);
}

#undef ESTUARY_DEFAULT

}  // namespace

absl::StatusOr<v1::Experiment> ReadExperiment(const std::string& path) {
  v1::Experiment experiment;
  ESTUARY_RETURN_IF_ERROR(process::ReadTextProto(path, &experiment));
  std::string& dataset = *experiment.mutable_dataset()->mutable_path();
  if (!dataset.empty()) {
    const std::filesystem::path folder = std::filesystem::absolute(path).parent_path();
    dataset = (folder / dataset).lexically_normal().string();
  } else if (!experiment.dataset().has_transitions()) {
    experiment.clear_dataset();
  }
  return experiment;
}

absl::Status FillDefaults(v1::Experiment& experiment) {
  ESTUARY_RETURN_IF_ERROR(ApplyAlgorithmName(*experiment.mutable_algorithm()));
  FillAlgorithm(*experiment.mutable_algorithm());
  FillNetworks(*experiment.mutable_networks());
  FillOptimizer(*experiment.mutable_optimizer());
  FillBudget(*experiment.mutable_budget());
  FillRest(experiment);
  return Validate(experiment);
}

bool UsesRealData(const v1::Experiment& experiment) {
  // DARC learns in simulation alone, but its discriminators know reality from D.
  const v1::Algorithm& algorithm = experiment.algorithm();
  return algorithm.data() != v1::Algorithm::SIM ||
         algorithm.reward_shaping() == v1::Algorithm::DYNAMICS_LOG_RATIO;
}

bool UsesSimulation(const v1::Experiment& experiment) {
  return experiment.algorithm().data() != v1::Algorithm::REAL;
}

}  // namespace estuary::experiment
