#include "learner/core/native/discriminators.h"

#include <algorithm>
#include <cmath>

#include "learner/core/log_variance.h"

namespace estuary::learner::native {
namespace {

// Rows of a pass. Their activations do not fit the second-level cache, which costs less than going
// over the gradients again for every few rows (measured: 128 rows make a step 2 % longer).
constexpr int kTrainingRows = 512;
// Noisy rows of a pass.
constexpr int kDynamicsRows = 96;

}  // namespace

DiscriminatorTraining::DiscriminatorTraining(const Nets& nets, const Batch& batch)
    : rows_(2 * batch.shape.discriminator_rows),
      sa_loss_(Padded(rows_) + kTrainingRows),
      sas_loss_(Padded(rows_) + kTrainingRows) {
  for (int first = 0; first < rows_; first += kTrainingRows) {
    const int rows = std::min(kTrainingRows, rows_ - first);
    const MlpPass::Options options = {
        .rows = rows, .input_ld = batch.ld, .keep = true, .backward = true};
    Block& block = blocks_.emplace_back(
        Block{first, MlpPass(nets.d_sa(), options), MlpPass(nets.d_sas(), options), Floats(rows)});
    for (int i = 0; i < rows; ++i) block.label[i] = first + i < rows_ / 2 ? 1.0f : -1.0f;
  }
}

void DiscriminatorTraining::Run(Nets& nets, const Batch& batch) {
  const MlpWeights weights = nets.weights();
  for (Block& block : blocks_) {
    const float* x = batch.discriminator_rows.data() + block.first * batch.ld;
    block.sa.Forward(weights, x);
    block.sas.Forward(weights, x);
    const Kernels& kernels = BestKernels();
    kernels.bound(block.sa.output(), 2 * block.sa.output_ld());
    kernels.bound(block.sas.output(), 2 * block.sas.output_ld());
    kernels.discriminator({.padded = static_cast<int>(block.sa.output_ld()),
                           .rows = block.sa.rows(),
                           .ld = block.sa.output_ld(),
                           .label = block.label.data(),
                           .scale = 2.0f / static_cast<float>(rows_),
                           .sa = block.sa.output(),
                           .sas = block.sas.output(),
                           .sa_loss = sa_loss_.data() + block.first,
                           .sas_loss = sas_loss_.data() + block.first});
    const bool accumulate = block.first > 0;
    block.sa.Backward(weights, x, block.sa.output(), nets.gradient(), accumulate);
    block.sas.Backward(weights, x, block.sas.output(), nets.gradient(), accumulate);
  }
  loss_sa_ = loss_sas_ = 0;
  for (int i = 0; i < rows_; ++i) {
    loss_sa_ += sa_loss_[i];
    loss_sas_ += sas_loss_[i];
  }
  loss_sa_ /= rows_ / 2;
  loss_sas_ /= rows_ / 2;
}

double DiscriminatorTraining::Accuracy(const Floats& loss) const {
  // Right is where the right class has more than half of the probability.
  const float even = std::log(2.0f);
  int right = 0;
  for (int i = 0; i < rows_; ++i) right += loss[i] < even ? 1 : 0;
  return static_cast<double>(right) / rows_;
}

NextStateModel::NextStateModel(const Nets& nets, const Batch& batch, int first, int count)
    : first_(first), count_(nets.dynamics().layers.empty() ? 0 : count) {
  if (count_ == 0) return;
  pass_ = MlpPass(nets.dynamics(), {.rows = count_, .input_ld = batch.ld});
  scratch_ = Floats(pass_.output_ld() * static_cast<int64_t>(batch.dynamics_std.size()));
}

void NextStateModel::Run(const Nets& nets, Batch& batch) {
  if (count_ == 0) return;
  const Kernels& kernels = BestKernels();
  const int64_t o = static_cast<int64_t>(batch.dynamics_std.size()), ld = pass_.output_ld();
  const float* rows = batch.rows.data() + (batch.shape.real_rows + first_) * batch.ld;
  pass_.Forward(nets.weights(), rows);
  const float* mean = pass_.output();
  float* sigma = pass_.output() + o * ld;
  float* scratch = scratch_.data();
  // The two soft bounds of losses.h's SplitPrediction, then exp of half of it.
  constexpr auto kLow = static_cast<float>(kLeastLogVariance);
  constexpr auto kHigh = static_cast<float>(kGreatestLogVariance);
  for (int64_t i = 0; i < o * ld; ++i) sigma[i] = kHigh - sigma[i];
  kernels.softplus(sigma, scratch, o * ld);
  for (int64_t i = 0; i < o * ld; ++i) scratch[i] = kHigh - scratch[i] - kLow;
  kernels.softplus(scratch, sigma, o * ld);
  for (int64_t i = 0; i < o * ld; ++i) scratch[i] = 0.5f * (sigma[i] + kLow);
  kernels.exp(scratch, sigma, o * ld);

  const int64_t next_at = 1 + batch.width - o;
  const int exact = batch.dynamics_samples - batch.gap_samples;
  for (int row = 0; row < count_; ++row, rows += batch.ld) {
    float* noise =
        batch.dynamics_noise.data() + (int64_t{first_ + row} * batch.dynamics_samples + exact) * o;
    for (int64_t j = 0; j < o; ++j) {
      const float before = batch.sees_difference ? 0 : rows[1 + j];
      const float to_mean = before + batch.model_shift[static_cast<size_t>(j)] +
                            batch.model_scale[static_cast<size_t>(j)] * mean[j * ld + row] -
                            rows[next_at + j];
      const float spread = batch.model_scale[static_cast<size_t>(j)] * sigma[j * ld + row];
      for (int k = 0; k < batch.gap_samples; ++k) {
        noise[k * o + j] = to_mean + spread * noise[k * o + j];
      }
    }
  }
}

DynamicsPass::DynamicsPass(const Nets& nets, const Batch& batch, int first, int count)
    : first_(first),
      count_(count),
      samples_(batch.dynamics_samples),
      group_(std::min(count, std::max(1, kDynamicsRows / std::max(1, samples_)))),
      model_(nets, batch, first, count) {
  if (count == 0) return;
  const DenseLayer& layer = nets.d_sas().layers[0];
  ProductShape shape;
  shape.rows = count;
  shape.columns = layer.outputs;
  shape.depth = layer.inputs + 1;
  shape.in_ld = batch.ld;
  shape.weight_ld = layer.ld;
  shape.out_ld = layer.HiddenLd();
  base_ = Floats(count * layer.HiddenLd());
  base_product_ = Product(shape);

  const auto prepare = [&](int rows, Product& product, MlpPass& pass) {
    shape.rows = rows;
    shape.depth = static_cast<int>(batch.dynamics_std.size());
    shape.in_ld = shape.depth;
    product = Product(shape);
    pass = MlpPass(nets.d_sas(), {.rows = rows, .input_ld = batch.ld, .keep = true});
  };
  prepare(group_ * samples_, noise_block_, block_);
  if (count % group_ > 0) prepare(count % group_ * samples_, noise_rest_, rest_);
}

void DynamicsPass::Run(const Nets& nets, Batch& batch, const Floats& noise_weights,
                       Floats& log_ratio) {
  if (count_ == 0) return;
  model_.Run(nets, batch);
  const Kernels& kernels = BestKernels();
  const MlpWeights weights = nets.weights();
  const DenseLayer& layer = nets.d_sas().layers[0];
  const int64_t observation = static_cast<int64_t>(batch.dynamics_std.size());
  base_product_(batch.rows.data() + (batch.shape.real_rows + first_) * batch.ld,
                weights.values + layer.offset, base_.data());
  for (int row = 0; row < count_; row += group_) {
    const int rows = std::min(group_, count_ - row);
    const bool whole = rows == group_;
    MlpPass& pass = whole ? block_ : rest_;
    const Product& product = whole ? noise_block_ : noise_rest_;
    const int64_t sample = int64_t{first_ + row} * samples_;
    product(batch.dynamics_noise.data() + sample * observation, noise_weights.data(),
            pass.hidden(0));
    kernels.relu_with_base(pass.hidden(0), base_.data() + row * layer.HiddenLd(), rows, samples_,
                           layer.HiddenLd());
    pass.ForwardFromHidden(weights);
    float* real = pass.output();
    const float* sim = real + pass.output_ld();
    kernels.log_ratio(real, sim, real, pass.output_ld());
    std::copy(real, real + pass.rows(), log_ratio.data() + sample);
  }
}

Floats NoiseWeights(const Nets& nets, const Batch& batch) {
  if (batch.dynamics_samples == 0) return {};
  return Floats(nets.d_sas().layers[0].ld * static_cast<int64_t>(batch.dynamics_std.size()));
}

void ScaleNoiseWeights(const Nets& nets, const Batch& batch, Floats& noise_weights) {
  const DenseLayer& layer = nets.d_sas().layers[0];
  const int observation = static_cast<int>(batch.dynamics_std.size());
  for (int i = 0; i < observation; ++i) {
    const float* from = nets.values() + layer.WeightAt(0, layer.inputs - observation + i);
    float* to = noise_weights.data() + i * layer.ld;
    for (int64_t j = 0; j < layer.ld; ++j) to[j] = from[j] * batch.dynamics_std[i];
  }
}

}  // namespace estuary::learner::native
