#include "common/experiment/algorithms.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace estuary::experiment {
namespace {

using A = v1::Algorithm;

struct Row {
  const char* name;
  A::Data data;
  A::RewardShaping reward_shaping;
  A::CriticWeight critic_weight;
  A::Regularizer regularizer;
  A::GapWeight gap_weight;
  A::Backup backup;
  bool backup_entropy;
};

// clang-format off
constexpr Row kRows[] = {
    {"sac",            A::SIM,          A::NO_SHAPING,         A::NO_WEIGHT,      A::NO_REGULARIZER,       A::UNIFORM,              A::TARGET_CRITICS, true},
    {"cql",            A::REAL,         A::NO_SHAPING,         A::NO_WEIGHT,      A::CQL,                  A::UNIFORM,              A::TARGET_CRITICS, false},
    {"darc",           A::SIM,          A::DYNAMICS_LOG_RATIO, A::NO_WEIGHT,      A::NO_REGULARIZER,       A::UNIFORM,              A::TARGET_CRITICS, true},
    {"darc_plus",      A::REAL_AND_SIM, A::DYNAMICS_LOG_RATIO, A::NO_WEIGHT,      A::NO_REGULARIZER,       A::UNIFORM,              A::TARGET_CRITICS, true},
    {"h2o",            A::REAL_AND_SIM, A::NO_SHAPING,         A::DYNAMICS_RATIO, A::WEIGHTED_LOG_SUM_EXP, A::DYNAMICS_GAP,         A::TARGET_CRITICS, false},
    {"h2o_v",          A::REAL_AND_SIM, A::NO_SHAPING,         A::DYNAMICS_RATIO, A::WEIGHTED_MEAN,        A::DYNAMICS_GAP,         A::TARGET_CRITICS, false},
    {"h2o_a",          A::REAL_AND_SIM, A::NO_SHAPING,         A::DYNAMICS_RATIO, A::WEIGHTED_LOG_SUM_EXP, A::UNIFORM,              A::TARGET_CRITICS, false},
    {"h2o_dr",         A::REAL_AND_SIM, A::NO_SHAPING,         A::NO_WEIGHT,      A::WEIGHTED_LOG_SUM_EXP, A::DYNAMICS_GAP,         A::TARGET_CRITICS, false},
    {"h2o_a_dr",       A::REAL_AND_SIM, A::NO_SHAPING,         A::NO_WEIGHT,      A::WEIGHTED_LOG_SUM_EXP, A::UNIFORM,              A::TARGET_CRITICS, false},
    {"h2o_reg",        A::REAL_AND_SIM, A::NO_SHAPING,         A::DYNAMICS_RATIO, A::NO_REGULARIZER,       A::UNIFORM,              A::TARGET_CRITICS, false},
    {"h2o_reg_dr",     A::REAL_AND_SIM, A::NO_SHAPING,         A::NO_WEIGHT,      A::NO_REGULARIZER,       A::UNIFORM,              A::TARGET_CRITICS, false},
    {"h2o_reverse_kl", A::REAL_AND_SIM, A::NO_SHAPING,         A::DYNAMICS_RATIO, A::WEIGHTED_LOG_SUM_EXP, A::REVERSE_DYNAMICS_GAP, A::TARGET_CRITICS, false},
    {"h2o_plus",       A::REAL_AND_SIM, A::NO_SHAPING,         A::DYNAMICS_RATIO, A::NO_REGULARIZER,       A::UNIFORM,              A::VALUE_BLEND,    true},
};
// clang-format on

}  // namespace

std::vector<std::string> AlgorithmNames() {
  std::vector<std::string> names;
  for (const Row& row : kRows) names.emplace_back(row.name);
  return names;
}

absl::Status ApplyAlgorithmName(v1::Algorithm& algorithm) {
  for (const Row& row : kRows) {
    if (algorithm.name() != row.name) continue;
    if (algorithm.data() == A::DATA_UNSPECIFIED) algorithm.set_data(row.data);
    if (algorithm.reward_shaping() == A::REWARD_SHAPING_UNSPECIFIED) {
      algorithm.set_reward_shaping(row.reward_shaping);
    }
    if (algorithm.critic_weight() == A::CRITIC_WEIGHT_UNSPECIFIED) {
      algorithm.set_critic_weight(row.critic_weight);
    }
    if (algorithm.regularizer() == A::REGULARIZER_UNSPECIFIED) {
      algorithm.set_regularizer(row.regularizer);
    }
    if (algorithm.gap_weight() == A::GAP_WEIGHT_UNSPECIFIED) {
      algorithm.set_gap_weight(row.gap_weight);
    }
    if (algorithm.backup() == A::BACKUP_UNSPECIFIED) algorithm.set_backup(row.backup);
    if (!algorithm.has_backup_entropy()) algorithm.set_backup_entropy(row.backup_entropy);
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("algorithm.name is '", algorithm.name(),
                                                 "'; known are ",
                                                 absl::StrJoin(AlgorithmNames(), ", ")));
}

}  // namespace estuary::experiment
