#include "learner/core/eager/metrics.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "absl/strings/str_cat.h"

namespace estuary::learner {
namespace {

double Number(const at::Tensor& tensor) { return tensor.item<double>(); }

// The part of the rows that a discriminator puts on the right side.
double Accuracy(const at::Tensor& logits) {
  const int64_t m = logits.size(0) / 2;
  const at::Tensor real =
      logits.select(1, kRealColumn).gt(logits.select(1, kSimColumn)).to(at::kDouble);
  return 0.5 * (Number(real.narrow(0, 0, m).mean()) + 1 - Number(real.narrow(0, m, m).mean()));
}

void AddGapMetrics(const StepRecord& record, std::map<std::string, double>& metrics) {
  if (record.u.defined()) {
    metrics["u/mean"] = Number(record.u.mean());
    metrics["u/min"] = Number(record.u.min());
    metrics["u/max"] = Number(record.u.max());
    metrics["omega/max"] = Number(record.omega.max());
    // 1 where one pair has all the weight, n where all have the same.
    metrics["omega/effective_samples"] = 1 / Number(record.omega.square().sum());
  }
  if (record.log_ratio.defined()) {
    metrics["ratio/log_mean"] = Number(record.log_ratio.mean());
  }
  if (record.ratio.defined()) {
    metrics["ratio/mean"] = Number(record.ratio.mean());
    metrics["ratio/min"] = Number(record.ratio.min());
    metrics["ratio/max"] = Number(record.ratio.max());
  }
  if (record.sa_logits.defined()) {
    metrics["discriminator/sa_accuracy"] = Accuracy(record.sa_logits);
    metrics["discriminator/sas_accuracy"] = Accuracy(record.sas_logits);
  }
}

}  // namespace

TensorTree LossTree(const StepRecord& record) {
  TensorTree tree;
  for (const auto& [name, tensor] : record.losses) {
    if (tensor.dim() == 0) {
      tree[absl::StrCat("loss/", name)] = ToHost(tensor);
      continue;
    }
    const HostTensor pair = ToHost(tensor);
    tree[absl::StrCat("loss/q1_", name)] = HostTensor::Scalar(pair.values[0]);
    tree[absl::StrCat("loss/q2_", name)] = HostTensor::Scalar(pair.values[1]);
  }
  return tree;
}

std::map<std::string, double> StepMetrics(const LearnerConfig& config, Update& update) {
  const at::NoGradGuard no_grad;
  const StepRecord& record = update.record();
  std::map<std::string, double> metrics;
  if (!record.q.defined()) return metrics;
  for (const auto& [path, tensor] : LossTree(record)) metrics[path] = tensor.values[0];
  metrics["learning_rate"] = record.learning_rate;
  metrics["alpha"] = Number(update.nets().log_alpha().exp());
  metrics["entropy"] = -Number(record.log_prob.mean());
  metrics["q/target_mean"] = Number(record.target.mean());
  const int64_t real = record.real_rows, sim = record.q.size(1) - real;
  if (config.algorithm.UsesReal())
    metrics["q/real_mean"] = Number(record.q.narrow(1, 0, real).mean());
  if (config.algorithm.UsesSim())
    metrics["q/sim_mean"] = Number(record.q.narrow(1, real, sim).mean());
  if (record.v.defined()) metrics["v/real_mean"] = Number(record.v.mean());
  Nets& nets = update.nets();
  const at::Tensor& gradient = nets.main().gradient();
  metrics["gradient_norm/policy"] = Number(nets.PolicyPart(gradient).norm());
  metrics["gradient_norm/critics"] = Number(nets.CriticPart(gradient).norm());
  if (record.v.defined()) metrics["gradient_norm/value"] = Number(nets.ValuePart(gradient).norm());
  if (nets.has_discriminators()) {
    metrics["gradient_norm/discriminators"] = Number(nets.discriminators().gradient().norm());
  }
  AddGapMetrics(record, metrics);
  return metrics;
}

TensorTree StepRowMetrics(const LearnerConfig& config, const StepRecord& record) {
  const at::NoGradGuard no_grad;
  TensorTree rows;
  if (!record.q.defined()) return rows;
  const at::Tensor q = record.q.mean(0);
  const int64_t real = record.real_rows, sim = q.size(0) - real;
  if (config.algorithm.UsesReal()) rows["q_real"] = ToHost(q.narrow(0, 0, real));
  if (config.algorithm.UsesSim()) rows["q_sim"] = ToHost(q.narrow(0, real, sim));
  if (record.u.defined()) {
    rows["u"] = ToHost(record.u);
    rows["omega"] = ToHost(record.omega);
  }
  return rows;
}

}  // namespace estuary::learner
