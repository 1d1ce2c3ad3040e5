#include "learner/core/native/batch.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "absl/strings/str_cat.h"

namespace estuary::learner::native {
namespace {

int GapSamples(const AlgorithmConfig& algorithm) {
  return algorithm.NeedsGap() ? algorithm.gap_samples : 0;
}

// Reads tensors of a tree one after the other, keeping the first error.
class Reader {
 public:
  explicit Reader(const TensorTree& tree) : tree_(tree) {}

  const double* Read(const std::string& path, const std::vector<int64_t>& shape) {
    const auto found = Find(tree_, path, shape, "the batch");
    status_.Update(found.status());
    return found.ok() ? (*found)->values.data() : nullptr;
  }
  const absl::Status& status() const { return status_; }

 private:
  const TensorTree& tree_;
  absl::Status status_;
};

// [rows][columns] into planes, or as it is.
void CopyPlanar(const double* from, int64_t rows, int64_t columns, Floats& to) {
  for (int64_t i = 0; from != nullptr && i < rows * columns; ++i) {
    to[i % columns * Padded(rows) + i / columns] = static_cast<float>(from[i]);
  }
}

absl::StatusOr<int> RowsAt(const TensorTree& inputs, const std::string& path) {
  const auto it = inputs.find(path);
  if (it == inputs.end() || it->second.shape.empty() || it->second.shape[0] < 1 ||
      it->second.shape[0] > 1'000'000) {
    return absl::InvalidArgumentError(absl::StrCat("the batch has no rows at ", path));
  }
  return static_cast<int>(it->second.shape[0]);
}

}  // namespace

BatchShape BatchShape::Of(const LearnerConfig& config) {
  const AlgorithmConfig& algorithm = config.algorithm;
  BatchShape shape;
  shape.real_rows = config.RealRows();
  shape.sim_rows = config.SimRows();
  if (algorithm.NeedsDiscriminators()) {
    shape.discriminator_rows = config.optimizer.DiscriminatorBatchSize();
  }
  return shape;
}

absl::StatusOr<BatchShape> BatchShape::Of(const LearnerConfig& config, const TensorTree& inputs) {
  const AlgorithmConfig& algorithm = config.algorithm;
  BatchShape shape;
  const auto read = [&inputs](bool used, const char* path, int& rows) -> absl::Status {
    if (!used) return absl::OkStatus();
    const auto found = RowsAt(inputs, path);
    if (found.ok()) rows = *found;
    return found.status();
  };
  absl::Status status = read(algorithm.UsesReal(), "batch/real/observation", shape.real_rows);
  status.Update(read(algorithm.UsesSim(), "batch/sim/observation", shape.sim_rows));
  status.Update(read(algorithm.NeedsDiscriminators(), "discriminator_batch/real/observation",
                     shape.discriminator_rows));
  if (!status.ok()) return status;
  return shape;
}

Batch::Batch(const LearnerConfig& config, const BatchShape& batch_shape)
    : shape(batch_shape),
      ld(Padded(1 + 2 * config.observation_dim + config.action_dim)),
      width(2 * config.observation_dim + config.action_dim),
      gap_samples(GapSamples(config.algorithm)),
      dynamics_samples(GapSamples(config.algorithm) + (config.algorithm.NeedsRatio() ? 1 : 0)),
      observation_(config.observation_dim),
      action_(config.action_dim),
      cql_actions_(config.algorithm.regularizer == Regularizer::kCql ? config.algorithm.cql_actions
                                                                     : 0),
      has_model_(config.algorithm.NeedsDynamicsModel()),
      noise_std_(static_cast<float>(config.algorithm.discriminator_noise)),
      reward_scale_(static_cast<float>(config.optimizer.reward_scale)),
      transitions_(std::max(shape.real_rows, shape.sim_rows), width),
      discriminated_(shape.discriminator_rows, width) {
  const int64_t n = shape.rows(), m = 2 * shape.discriminator_rows;
  rows = Floats(n * ld);
  next = Floats(n * ld);
  reward = Floats(n);
  live = Floats(n);
  policy_noise = Random::Room(Padded(n) * action_);
  next_policy_noise = Random::Room(Padded(n) * action_);
  discriminator_rows = Floats(m * ld);
  discriminator_noise_ = Random::Room(m * width);
  dynamics_noise = Random::Room(int64_t{shape.sim_rows} * dynamics_samples * observation_);
  dynamics_std.assign(static_cast<size_t>(observation_), has_model_ ? 1 : 0);
  const int64_t sampled = Padded(int64_t{shape.real_rows} * cql_actions_) * action_;
  for (Floats* cql : {&cql_current_noise, &cql_next_noise, &cql_uniform}) {
    *cql = Random::Room(sampled);
  }
  for (int64_t row = 0; row < n; ++row) rows[row * ld] = next[row * ld] = 1;
  for (int64_t row = 0; row < m; ++row) discriminator_rows[row * ld] = 1;
}

Batch::Picked::Picked(int64_t count, int width)
    : indices(static_cast<size_t>(count)),
      rows(static_cast<size_t>(count)),
      difference_rows(static_cast<size_t>(count)),
      differences(static_cast<size_t>(count * width)) {}

void Batch::Picked::Draw(const HostRows& source, int64_t count, Random& random) {
  if (source.next >= 0) {
    std::iota(indices.begin(), indices.begin() + count, source.next);
  } else {
    random.Integers(static_cast<uint64_t>(source.size), count, indices.data());
  }
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    rows[i] = source.Row(indices[i]);
    __builtin_prefetch(rows[i]);
    __builtin_prefetch(rows[i] + source.width - 1);
  }
}

const float* const* Batch::Picked::ForDiscriminators(const Scaling& scaling, int observation,
                                                     int64_t count) {
  if (!scaling.difference()) return rows.data();
  const int64_t width = static_cast<int64_t>(scaling.scale().size());
  for (int64_t i = 0; i < count; ++i) {
    const float* from = rows[static_cast<size_t>(i)];
    float* to = differences.data() + i * width;
    std::copy(from, from + width, to);
    for (int64_t j = 0; j < observation; ++j) to[width - observation + j] -= from[j];
    difference_rows[static_cast<size_t>(i)] = to;
  }
  return difference_rows.data();
}

void Batch::PutRows(const Scaling& scaling, int64_t first, int64_t count) {
  ScaledRows scaled = {.in = transitions_.rows.data(),
                       .count = static_cast<int>(count),
                       .width = observation_ + action_,
                       .scale = scaling.scale().data(),
                       .shift = scaling.shift().data(),
                       .noise = nullptr,
                       .noise_std = 0,
                       .out = rows.data() + first * ld + 1,
                       .out_ld = ld};
  if (dynamics_samples > 0) {
    scaled.in = transitions_.ForDiscriminators(scaling, observation_, count);
    scaled.width = width;
    scaled.scale = scaling.discriminator_scale().data();
    scaled.shift = scaling.discriminator_shift().data();
  }
  BestKernels().scale_rows(scaled);
  float* out = next.data() + first * ld + 1;
  const float* scale = scaling.scale().data();
  const float* shift = scaling.shift().data();
  for (int64_t row = 0; row < count; ++row, out += ld) {
    const float* raw = transitions_.rows[static_cast<size_t>(row)];
    const float* after = raw + observation_ + action_;
    for (int i = 0; i < observation_; ++i) out[i] = after[i] * scale[i] + shift[i];
    reward[first + row] = raw[width] * reward_scale_;
    live[first + row] = 1 - raw[width + 1];
  }
}

void Batch::PutDiscriminatorRows(const Scaling& scaling, int64_t first, int64_t count) {
  BestKernels().scale_rows({.in = discriminated_.ForDiscriminators(scaling, observation_, count),
                            .count = static_cast<int>(count),
                            .width = width,
                            .scale = scaling.discriminator_scale().data(),
                            .shift = scaling.discriminator_shift().data(),
                            .noise = discriminator_noise_.data() + first * width,
                            .noise_std = noise_std_,
                            .out = discriminator_rows.data() + first * ld + 1,
                            .out_ld = ld});
}

void Batch::SetNextStates(const std::vector<double>& raw_std, const Scaling& scaling) {
  if (has_model_) {
    model_scale = scaling.model_scale();
    model_shift = scaling.model_shift();
    sees_difference = scaling.difference();
    return;
  }
  for (size_t i = 0; i < dynamics_std.size() && i < raw_std.size(); ++i) {
    dynamics_std[i] =
        static_cast<float>(raw_std[i] * scaling.discriminator_scale()[i + observation_ + action_]);
  }
}

// The exact state leads every row's samples.
void Batch::ClearExactNoise() {
  if (dynamics_samples == gap_samples) return;
  const int64_t step = int64_t{dynamics_samples} * observation_;
  for (int64_t row = 0; row < shape.sim_rows; ++row) {
    std::fill_n(dynamics_noise.data() + row * step, observation_, 0.0f);
  }
}

void Batch::DrawDiscriminators(const HostRows& real, const HostRows& sim, const Scaling& scaling,
                               Random& random) {
  random.Normals(discriminator_noise_);
  const int64_t m = shape.discriminator_rows;
  for (const int half : {0, 1}) {
    discriminated_.Draw(half == 0 ? real : sim, m, random);
    PutDiscriminatorRows(scaling, half * m, m);
  }
  if (gap_samples > 0) {
    random.Normals(dynamics_noise);
    SetNextStates(scaling.state_std(), scaling);
    ClearExactNoise();
  }
}

void Batch::DrawTransitions(const HostRows& real, const HostRows& sim, const Scaling& scaling,
                            Random& random) {
  const auto draw = [&](const HostRows& source, int64_t first, int64_t count) {
    if (count == 0) return;
    transitions_.Draw(source, count, random);
    PutRows(scaling, first, count);
  };
  draw(real, 0, shape.real_rows);
  draw(sim, shape.real_rows, shape.sim_rows);
  random.Normals(policy_noise);
  random.Normals(next_policy_noise);
  if (cql_actions_ > 0) {
    random.Normals(cql_current_noise);
    random.Normals(cql_next_noise);
    random.Uniforms(1, cql_uniform.size(), cql_uniform.data());
  }
}

absl::Status Batch::Fill(const TensorTree& inputs, const Scaling& scaling) {
  const int64_t o = observation_, a = action_;
  Reader reader(inputs);
  std::vector<float> raw;
  struct Column {
    const double* values;
    int64_t dim;
  };
  const auto columns = [&](const std::string& group, int64_t count, bool with_reward) {
    std::vector<Column> read = {{reader.Read(group + "/observation", {count, o}), o},
                                {reader.Read(group + "/action", {count, a}), a},
                                {reader.Read(group + "/next_observation", {count, o}), o}};
    if (with_reward) {
      read.push_back({reader.Read(group + "/reward", {count}), 1});
      read.push_back({reader.Read(group + "/terminal", {count}), 1});
    }
    return read;
  };
  // One row after the other into `raw`, and where each begins.
  const auto gather = [&](const std::vector<Column>& from, int64_t count, Picked& picked) {
    raw.clear();
    for (int64_t row = 0; row < count; ++row) {
      for (const Column& column : from) {
        const double* values = column.values + row * column.dim;
        raw.insert(raw.end(), values, values + column.dim);
      }
    }
    const size_t step = raw.size() / static_cast<size_t>(count);
    for (size_t row = 0; row < static_cast<size_t>(count); ++row) {
      picked.rows[row] = raw.data() + row * step;
    }
  };
  const auto fill = [&](const char* group, int64_t first, int64_t count) {
    if (count == 0) return;
    const auto from = columns(group, count, /*with_reward=*/true);
    if (!reader.status().ok()) return;
    gather(from, count, transitions_);
    PutRows(scaling, first, count);
  };
  fill("batch/real", 0, shape.real_rows);
  fill("batch/sim", shape.real_rows, shape.sim_rows);
  const int64_t m = shape.discriminator_rows;
  const auto fill_discriminators = [&](const char* source, int64_t first) {
    if (m == 0) return;
    const auto from = columns(absl::StrCat("discriminator_batch/", source), m, false);
    const auto added = columns(absl::StrCat("noise/discriminator/", source), m, false);
    if (!reader.status().ok()) return;
    gather(added, m, discriminated_);
    std::copy(raw.begin(), raw.end(), discriminator_noise_.data() + first * width);
    gather(from, m, discriminated_);
    PutDiscriminatorRows(scaling, first, m);
  };
  fill_discriminators("real", 0);
  fill_discriminators("sim", m);

  const int64_t n = shape.rows();
  CopyPlanar(reader.Read("noise/policy", {n, a}), n, a, policy_noise);
  CopyPlanar(reader.Read("noise/next_policy", {n, a}), n, a, next_policy_noise);
  if (gap_samples > 0) {
    const double* given = reader.Read("noise/next_state", {shape.sim_rows, gap_samples, o});
    const int64_t exact = dynamics_samples - gap_samples;
    for (int64_t i = 0; given != nullptr && i < shape.sim_rows; ++i) {
      const double* from = given + i * gap_samples * o;
      std::copy(from, from + gap_samples * o,
                dynamics_noise.data() + (i * dynamics_samples + exact) * o);
    }
    ClearExactNoise();
    const double* std = has_model_ ? nullptr : reader.Read("state_std", {o});
    if (std != nullptr) {
      SetNextStates({std, std + o}, scaling);
    } else if (has_model_) {
      SetNextStates({}, scaling);
    }
  }
  if (cql_actions_ > 0) {
    const int64_t k = cql_actions_, real = shape.real_rows;
    const auto copy = [&](const char* path, Floats& to) {
      CopyPlanar(reader.Read(path, {real, k, a}), real * k, a, to);
    };
    copy("noise/cql/current", cql_current_noise);
    copy("noise/cql/next", cql_next_noise);
    copy("noise/cql/uniform", cql_uniform);
  }
  return reader.status();
}

}  // namespace estuary::learner::native
