// All that goes into one gradient step, in the order that the nets read it, in memory that stays.
// It is drawn from replays and random streams, or filled from a tree; from here on both take the
// same path.
//
// Input rows are [1, s, a, s'], scaled, `ld` floats apart: policy, critics and discriminators read
// as much of a row as they have inputs. Where two sources are stacked, real rows come first.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "learner/core/config.h"
#include "learner/core/native/aligned.h"
#include "learner/core/native/random.h"
#include "learner/core/native/scaling.h"
#include "learner/core/replay/host_rows.h"
#include "learner/core/tensor_tree.h"

namespace estuary::learner::native {

// What a step's memory depends on, besides the nets.
struct BatchShape {
  int real_rows = 0;
  int sim_rows = 0;
  // Of each source; 0: the discriminators are not trained.
  int discriminator_rows = 0;

  int rows() const { return real_rows + sim_rows; }
  bool operator==(const BatchShape&) const = default;

  // As Step draws.
  static BatchShape Of(const LearnerConfig& config);
  // As the tree has it.
  static absl::StatusOr<BatchShape> Of(const LearnerConfig& config, const TensorTree& inputs);
};

class Batch {
 public:
  Batch(const LearnerConfig& config, const BatchShape& shape);

  // The discriminators' rows and the noise on next states.
  void DrawDiscriminators(const HostRows& real, const HostRows& sim, const Scaling& scaling,
                          Random& random);
  // The rest. The two touch nothing in common.
  void DrawTransitions(const HostRows& real, const HostRows& sim, const Scaling& scaling,
                       Random& random);
  // The paths of update_trace.md; errors name the path, and then the batch is of no use.
  absl::Status Fill(const TensorTree& inputs, const Scaling& scaling);

  const BatchShape shape;
  // Floats between input rows.
  const int64_t ld;
  // Numbers of [s, a, s'].
  const int width;
  // Noisy next states of a simulated row, and with the exact one in front of them where a loss
  // reads its ratio.
  const int gap_samples;
  const int dynamics_samples;

  Floats rows;
  // [1, s', a'], a' to be filled in.
  Floats next;
  Floats reward;
  // 1 - terminal.
  Floats live;
  // With their noise, [2 m].
  Floats discriminator_rows;
  // Standard normal. Planes over all rows:
  Floats policy_noise, next_policy_noise;
  // [sim][dynamics_samples][observation], 0 for the exact state, and what it is multiplied by: the
  // standard deviation in the discriminators' units; 1 where a model of the dynamics makes what is
  // added to s' from it (NextStateModel).
  Floats dynamics_noise;
  std::vector<float> dynamics_std;
  // From the model's s' - s to the discriminators' units, and whether they see s' - s, not s'.
  std::vector<float> model_scale, model_shift;
  bool sees_difference = false;
  // Planes over [real][cql_actions].
  Floats cql_current_noise, cql_next_noise, cql_uniform;

 private:
  // Raw rows on their way into the batch; the two Draw functions have one each.
  struct Picked {
    explicit Picked(int64_t count, int width);

    void Draw(const HostRows& source, int64_t count, Random& random);
    // rows, or copies of them with s' - s in the place of s'.
    const float* const* ForDiscriminators(const Scaling& scaling, int observation, int64_t count);

    std::vector<int64_t> indices;
    std::vector<const float*> rows;
    std::vector<const float*> difference_rows;
    std::vector<float> differences;
  };

  // From the first `count` rows picked.
  void PutRows(const Scaling& scaling, int64_t first, int64_t count);
  void PutDiscriminatorRows(const Scaling& scaling, int64_t first, int64_t count);
  // `raw_std` may be empty where a model of the dynamics makes the next states.
  void SetNextStates(const std::vector<double>& raw_std, const Scaling& scaling);
  void ClearExactNoise();

  const int observation_;
  const int action_;
  const int cql_actions_;
  const bool has_model_;
  const float noise_std_;
  const float reward_scale_;
  Floats discriminator_noise_;
  Picked transitions_;
  Picked discriminated_;
};

}  // namespace estuary::learner::native
