// What the two discriminators take part in: their own update, and the log ratios of simulated
// transitions, exact and with noise on the next state.
#pragma once

#include <memory>
#include <vector>

#include "learner/core/native/aligned.h"
#include "learner/core/native/batch.h"
#include "learner/core/native/mlp.h"
#include "learner/core/native/nets.h"

namespace estuary::learner::native {

// Gradients of L_sa + L_sas, in blocks of rows.
class DiscriminatorTraining {
 public:
  DiscriminatorTraining(const Nets& nets, const Batch& batch);

  // Writes the gradients of both nets.
  void Run(Nets& nets, const Batch& batch);

  double loss_sa() const { return loss_sa_; }
  double loss_sas() const { return loss_sas_; }
  // The part of the rows that each net put on the right side.
  double sa_accuracy() const { return Accuracy(sa_loss_); }
  double sas_accuracy() const { return Accuracy(sas_loss_); }

 private:
  struct Block {
    int first;
    MlpPass sa;
    MlpPass sas;
    Floats label;
  };

  double Accuracy(const Floats& loss) const;

  int rows_;
  std::vector<Block> blocks_;
  // A row's share of each loss.
  Floats sa_loss_, sas_loss_;
  double loss_sa_ = 0, loss_sas_ = 0;
};

// Turns the noise on next states of some simulated rows into what takes s' to a sample of the model
// of the dynamics.
class NextStateModel {
 public:
  NextStateModel() = default;
  // Simulated rows [first, first + count) of the batch.
  NextStateModel(const Nets& nets, const Batch& batch, int first, int count);

  // Works on those rows of batch.dynamics_noise, the exact states apart.
  void Run(const Nets& nets, Batch& batch);

 private:
  int first_ = 0;
  int count_ = 0;
  MlpPass pass_;
  Floats scratch_;
};

// Log ratios of some simulated rows and of their noisy next states through d_sas. The part of the
// first layer that depends on (s, a, s') is computed once a row; the noise adds its own part,
// through weights that are multiplied by its standard deviation beforehand.
class DynamicsPass {
 public:
  // Simulated rows [first, first + count) of the batch.
  DynamicsPass(const Nets& nets, const Batch& batch, int first, int count);

  // `noise_weights` from ScaleNoiseWeights. Writes rows [first, first + count) of log_ratio, which
  // has batch.dynamics_samples numbers a row.
  void Run(const Nets& nets, Batch& batch, const Floats& noise_weights, Floats& log_ratio);

 private:
  int first_;
  int count_;
  int samples_;
  // Rows that share a pass, and the passes of so many rows and of those that are left.
  int group_;
  NextStateModel model_;
  Floats base_;
  Product base_product_;
  Product noise_block_, noise_rest_;
  MlpPass block_, rest_;
};

// The first layer's weights of s', times the noise's standard deviation.
void ScaleNoiseWeights(const Nets& nets, const Batch& batch, Floats& noise_weights);
Floats NoiseWeights(const Nets& nets, const Batch& batch);

}  // namespace estuary::learner::native
