#include "learner/core/cuda/record.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace estuary::learner::cuda {
namespace {

double Mean(const double* values, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; ++i) sum += values[i];
  return sum / static_cast<double>(count);
}
double Mean(const std::vector<double>& values) { return Mean(values.data(), values.size()); }

double Norm(const double* values, int count) {
  double sum = 0;
  for (int i = 0; i < count; ++i) sum += values[i] * values[i];
  return std::sqrt(sum);
}

// The part of the rows [2 m, 2], real ones first, that a discriminator puts on the right side.
double Accuracy(const std::vector<double>& logits) {
  const size_t rows = logits.size() / 2;
  size_t right = 0;
  for (size_t r = 0; r < rows; ++r) {
    right += (logits[2 * r] > logits[2 * r + 1]) == (r < rows / 2) ? 1 : 0;
  }
  return static_cast<double>(right) / static_cast<double>(rows);
}

void AddSpread(const std::string& name, const std::vector<double>& values,
               std::map<std::string, double>& metrics) {
  const auto [least, greatest] = std::minmax_element(values.begin(), values.end());
  metrics[name + "/mean"] = Mean(values);
  metrics[name + "/min"] = *least;
  metrics[name + "/max"] = *greatest;
}

}  // namespace

TensorTree LossTree(const LearnerConfig& config, const std::vector<double>& losses) {
  const AlgorithmConfig& a = config.algorithm;
  TensorTree tree;
  const auto pair = [&](const std::string& name, int index) {
    tree["loss/q1_" + name] = HostTensor::Scalar(losses[static_cast<size_t>(index)]);
    tree["loss/q2_" + name] = HostTensor::Scalar(losses[static_cast<size_t>(index) + 1]);
  };
  if (a.NeedsDiscriminators()) {
    tree["loss/d_sa"] = HostTensor::Scalar(losses[kLossSa]);
    tree["loss/d_sas"] = HostTensor::Scalar(losses[kLossSas]);
  }
  tree["loss/policy"] = HostTensor::Scalar(losses[kLossPolicy]);
  tree["loss/alpha"] = HostTensor::Scalar(losses[kLossAlpha]);
  if (a.UsesReal()) pair("td_real", kLossTdReal);
  if (a.UsesSim()) pair("td_sim", kLossTdSim);
  pair("td", kLossTd);
  if (a.regularizer != Regularizer::kNone) pair("regularizer", kLossRegularizer);
  if (a.NeedsValue()) tree["loss/v"] = HostTensor::Scalar(losses[kLossValue]);
  return tree;
}

std::map<std::string, double> MetricsOf(const LearnerConfig& config, const StepRecord& record,
                                        const NetLayouts& nets) {
  std::map<std::string, double> metrics;
  for (const auto& [path, tensor] : LossTree(config, record.losses)) {
    metrics[path] = tensor.values[0];
  }
  metrics["learning_rate"] = record.learning_rate;
  metrics["alpha"] = record.alpha;
  metrics["entropy"] = -Mean(record.log_prob);
  metrics["q/target_mean"] = Mean(record.target);
  const auto q_mean = [&](int first, int count) {
    const size_t n = static_cast<size_t>(count);
    return 0.5 *
           (Mean(record.q.data() + first, n) + Mean(record.q.data() + record.q_rows + first, n));
  };
  if (record.real > 0) metrics["q/real_mean"] = q_mean(0, record.real);
  if (record.sim > 0) metrics["q/sim_mean"] = q_mean(record.real, record.sim);
  const double* gradient = record.main_gradient.data();
  metrics["gradient_norm/policy"] = Norm(gradient, nets.critics_begin);
  metrics["gradient_norm/critics"] = Norm(gradient + nets.critics_begin, nets.targets_size);
  if (!record.v.empty()) {
    metrics["v/real_mean"] = Mean(record.v);
    const int first = nets.value.weight[0];
    metrics["gradient_norm/value"] = Norm(gradient + first, nets.main_size - first);
  }
  if (!record.discriminator_gradient.empty()) {
    metrics["gradient_norm/discriminators"] =
        Norm(record.discriminator_gradient.data(),
             static_cast<int>(record.discriminator_gradient.size()));
    metrics["discriminator/sa_accuracy"] = Accuracy(record.sa_logits);
    metrics["discriminator/sas_accuracy"] = Accuracy(record.sas_logits);
  }
  if (!record.u.empty()) {
    AddSpread("u", record.u, metrics);
    metrics["omega/max"] = *std::max_element(record.omega.begin(), record.omega.end());
    double squares = 0;
    for (const double omega : record.omega) squares += omega * omega;
    metrics["omega/effective_samples"] = 1 / squares;
  }
  if (!record.log_ratio.empty()) metrics["ratio/log_mean"] = Mean(record.log_ratio);
  if (!record.ratio.empty()) AddSpread("ratio", record.ratio, metrics);
  return metrics;
}

TensorTree RowMetricsOf(const StepRecord& record) {
  TensorTree tree;
  const auto add = [&](const char* name, std::vector<double> values) {
    if (!values.empty()) tree[name] = {{static_cast<int64_t>(values.size())}, std::move(values)};
  };
  const auto q_mean = [&](int first, int count) {
    const double* q = record.q.data() + first;
    std::vector<double> means(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i)
      means[static_cast<size_t>(i)] = 0.5 * (q[i] + q[record.q_rows + i]);
    return means;
  };
  add("q_real", q_mean(0, record.real));
  add("q_sim", q_mean(record.real, record.sim));
  add("u", record.u);
  add("omega", record.omega);
  return tree;
}

}  // namespace estuary::learner::cuda
