#include "learner/core/eager/step_batch.h"

#include <ATen/ATen.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "learner/core/parameters.h"

namespace estuary::learner {
namespace {

// Draws batch.size(0) + discriminators.size(0) rows; either may be undefined.
void Gather(const DeviceReplay& replay, const at::Generator& generator, at::Tensor batch,
            at::Tensor discriminators) {
  const DeviceReplay::Storage& storage = replay.storage();
  const int64_t rows = batch.defined() ? batch.size(0) : 0;
  const int64_t extra = discriminators.defined() ? discriminators.size(0) : 0;
  at::Tensor indices =
      at::empty({rows + extra}, at::TensorOptions().dtype(at::kLong).device(storage.rows.device()));
  storage.Draw(generator, indices);
  if (rows > 0) at::index_select_out(batch, storage.rows, 0, indices.narrow(0, 0, rows));
  if (extra > 0) {
    at::index_select_out(discriminators, storage.rows, 0, indices.narrow(0, rows, extra));
  }
}

// Reads tensors of a tree one after the other, keeping the first error.
class TreeReader {
 public:
  TreeReader(const TensorTree& tree, at::TensorOptions options) : tree_(tree), options_(options) {}

  // The first dimension of `path`, 0 with an error where there is none.
  int64_t Rows(const std::string& path) {
    const auto it = tree_.find(path);
    if (it != tree_.end() && !it->second.shape.empty() && it->second.shape[0] > 0) {
      return it->second.shape[0];
    }
    status_.Update(absl::InvalidArgumentError(absl::StrCat("the batch has no rows at ", path)));
    return 0;
  }

  at::Tensor Read(const std::string& path, const std::vector<int64_t>& shape) {
    const auto found = Find(tree_, path, shape, "the batch");
    if (!found.ok()) {
      status_.Update(found.status());
      return at::zeros(shape, options_);
    }
    return FromHost(**found, options_);
  }

  const absl::Status& status() const { return status_; }

 private:
  const TensorTree& tree_;
  at::TensorOptions options_;
  absl::Status status_;
};

at::Tensor ReadTransitions(TreeReader& reader, const std::string& group, int64_t rows,
                           const RowLayout& layout, bool with_reward) {
  std::vector<at::Tensor> columns = {
      reader.Read(group + "/observation", {rows, layout.observation}),
      reader.Read(group + "/action", {rows, layout.action}),
      reader.Read(group + "/next_observation", {rows, layout.observation})};
  if (with_reward) {
    columns.push_back(reader.Read(group + "/reward", {rows}).unsqueeze(1));
    columns.push_back(reader.Read(group + "/terminal", {rows}).unsqueeze(1));
  }
  return at::cat(columns, 1);
}

}  // namespace

absl::StatusOr<StepBatch> DrawBatch(const LearnerConfig& config, const DeviceReplay* real,
                                    const DeviceReplay* sim, const at::Tensor& state_std,
                                    const at::Generator& generator, at::TensorOptions options) {
  const AlgorithmConfig& algorithm = config.algorithm;
  const bool discriminate = algorithm.NeedsDiscriminators();
  absl::Status ready = CheckDrawable(real, "real", config.RealRowsDrawn());
  ready.Update(CheckDrawable(sim, "sim", config.SimRowsDrawn()));
  if (!ready.ok()) return ready;
  const RowLayout layout{config.observation_dim, config.action_dim};
  const int64_t m = discriminate ? config.optimizer.DiscriminatorBatchSize() : 0;
  StepBatch batch;
  batch.real_rows = config.RealRows();
  batch.sim_rows = config.SimRows();
  const int64_t rows = batch.real_rows + batch.sim_rows;
  const at::TensorOptions stored = options.dtype(at::kFloat);
  batch.rows = at::empty({rows, layout.width()}, stored);
  if (discriminate) batch.discriminator_rows = at::empty({2 * m, layout.width()}, stored);
  const auto gather = [&](const DeviceReplay* replay, int64_t first, int64_t count, int64_t half) {
    if (count + m == 0) return;
    Gather(*replay, generator, count > 0 ? batch.rows.narrow(0, first, count) : at::Tensor(),
           discriminate ? batch.discriminator_rows.narrow(0, half * m, m) : at::Tensor());
  };
  gather(real, 0, batch.real_rows, 0);
  gather(sim, batch.real_rows, batch.sim_rows, 1);

  // Every normal number of the step in one call.
  const int64_t o = layout.observation, a = layout.action;
  const int64_t samples = algorithm.NeedsGap() ? algorithm.gap_samples : 0;
  const int64_t cql = algorithm.regularizer == Regularizer::kCql ? algorithm.cql_actions : 0;
  const int64_t discriminator_numbers = 2 * m * (2 * o + a);
  const int64_t gap_numbers = batch.sim_rows * samples * o;
  const int64_t cql_numbers = batch.real_rows * cql * a;
  at::Tensor normal =
      at::empty({discriminator_numbers + 2 * rows * a + gap_numbers + 2 * cql_numbers}, options);
  normal.normal_(0, 1, generator);
  int64_t used = 0;
  const auto take = [&](std::vector<int64_t> shape) {
    const int64_t count = ElementCount(shape);
    used += count;
    return normal.narrow(0, used - count, count).view(shape);
  };
  batch.policy_noise = take({rows, a});
  batch.next_policy_noise = take({rows, a});
  if (discriminate) batch.discriminator_noise = take({2 * m, 2 * o + a});
  if (samples > 0) {
    batch.next_state_noise = take({batch.sim_rows, samples, o});
    batch.state_std = state_std;
  }
  if (cql > 0) {
    batch.cql_current_noise = take({batch.real_rows, cql, a});
    batch.cql_next_noise = take({batch.real_rows, cql, a});
    batch.cql_uniform_actions =
        at::empty({batch.real_rows, cql, a}, options).uniform_(-1, 1, generator);
  }
  return batch;
}

absl::StatusOr<StepBatch> PackBatch(const LearnerConfig& config, const TensorTree& inputs,
                                    at::TensorOptions options) {
  const AlgorithmConfig& algorithm = config.algorithm;
  const RowLayout layout{config.observation_dim, config.action_dim};
  const int64_t o = layout.observation, a = layout.action;
  TreeReader reader(inputs, options);
  StepBatch batch;
  std::vector<at::Tensor> sources;
  if (algorithm.UsesReal()) {
    batch.real_rows = reader.Rows("batch/real/observation");
    sources.push_back(ReadTransitions(reader, "batch/real", batch.real_rows, layout, true));
  }
  if (algorithm.UsesSim()) {
    batch.sim_rows = reader.Rows("batch/sim/observation");
    sources.push_back(ReadTransitions(reader, "batch/sim", batch.sim_rows, layout, true));
  }
  const int64_t rows = batch.real_rows + batch.sim_rows;
  batch.rows = at::cat(sources, 0);
  batch.policy_noise = reader.Read("noise/policy", {rows, a});
  batch.next_policy_noise = reader.Read("noise/next_policy", {rows, a});
  if (algorithm.NeedsDiscriminators()) {
    const int64_t m = reader.Rows("discriminator_batch/real/observation");
    const auto both = [&](const std::string& group) {
      return at::cat({ReadTransitions(reader, group + "/real", m, layout, false),
                      ReadTransitions(reader, group + "/sim", m, layout, false)},
                     0);
    };
    batch.discriminator_rows = both("discriminator_batch");
    batch.discriminator_noise = both("noise/discriminator");
  }
  if (algorithm.NeedsGap()) {
    batch.next_state_noise =
        reader.Read("noise/next_state", {batch.sim_rows, algorithm.gap_samples, o});
    if (!algorithm.NeedsDynamicsModel()) batch.state_std = reader.Read("state_std", {o});
  }
  if (algorithm.regularizer == Regularizer::kCql) {
    const std::vector<int64_t> shape = {batch.real_rows, algorithm.cql_actions, a};
    batch.cql_current_noise = reader.Read("noise/cql/current", shape);
    batch.cql_next_noise = reader.Read("noise/cql/next", shape);
    batch.cql_uniform_actions = reader.Read("noise/cql/uniform", shape);
  }
  if (!reader.status().ok()) return reader.status();
  return batch;
}

}  // namespace estuary::learner
