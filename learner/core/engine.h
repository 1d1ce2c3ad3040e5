// An engine runs gradient steps of one algorithm. There may be several ways to run them on a
// machine; all give the eager engine's numbers, so a caller chooses by speed alone.
//
// One step, in this order: the discriminators are updated; then every other loss is taken at the
// parameters from before the step (u, omega and the ratio from the updated discriminators); then
// the optimisers (temperature, policy, critics); then the target critics move.
//
// Randomness: one generator seeded at creation and part of the saved state. The same seed and the
// same data give the same bits on one thread; saving, loading into a new engine and going on gives
// the same bits as not stopping.
//
// Threads: none but those of the numerical work. Calls are made in turn, by any thread, and not
// while a replay is being appended to.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "learner/core/config.h"
#include "learner/core/device.h"
#include "learner/core/replay/device_replay.h"
#include "learner/core/tensor_tree.h"

namespace estuary::learner {

// y = W x + b.
struct DenseWeights {
  int inputs = 0;
  int outputs = 0;
  // [outputs, inputs], row after row.
  std::vector<float> weight;
  std::vector<float> bias;
};

// All that acting needs. With x = (observation - mean) * scale and ReLU between the layers, the
// last gives [mean, raw]; log sigma = clamp(multiplier * raw + offset, min, max).
struct PolicyWeights {
  std::vector<float> observation_mean;
  std::vector<float> observation_scale;
  std::vector<DenseWeights> layers;
  float log_std_multiplier = 1;
  float log_std_offset = 0;
  float log_std_min = 0;
  float log_std_max = 0;
  uint64_t gradient_steps = 0;
};

enum class PolicyKind {
  // The weights as the last step left them.
  kCurrent,
  // Their exponential average, OptimizerConfig::policy_average.
  kAveraged,
};

class Engine {
 public:
  virtual ~Engine() = default;

  // "eager", "native", "cuda_graph".
  virtual std::string name() const = 0;
  virtual const LearnerConfig& config() const = 0;
  virtual uint64_t steps_done() const = 0;

  // `count` gradient steps from the replays. FAILED_PRECONDITION where a replay that the algorithm
  // uses is missing or empty. A loss that is not finite or beyond 1e12 stops before anything is
  // updated from it and fails, naming the step and the losses; every later step fails with the same
  // error, until Load.
  virtual absl::Status Step(int count) = 0;

  // One step from an explicit batch with explicit noise: `inputs` has the paths of update_trace.md
  // ("batch/real/reward", "noise/policy", "state_std"). Returns what that file's output has except
  // the parameters: "loss/...", "u", "omega", "ratio", "gradient/...". Batch sizes are the
  // tensors', not the configuration's.
  virtual absl::StatusOr<TensorTree> StepWith(const TensorTree& inputs) = 0;

  // Of the last step, by name: losses, alpha, Q, u, omega, ratio, discriminator accuracy, gradient
  // norms. Empty before the first. Waits for the device.
  virtual absl::StatusOr<std::map<std::string, double>> Metrics() = 0;
  // The same for distributions, one value a row of the last step's batch: "u" and "omega" of the
  // simulated rows, "q_real" and "q_sim" (the critics' mean). What the algorithm has not is absent.
  virtual absl::StatusOr<TensorTree> RowMetrics() { return TensorTree(); }

  virtual absl::StatusOr<PolicyWeights> ExportPolicy(PolicyKind kind) = 0;

  // Every parameter, target nets included: "policy/0/weight", "q1_target/2/bias", "log_alpha".
  // Setting them needs all of them, touches no optimiser's moments and restarts the policy's
  // average.
  virtual absl::StatusOr<TensorTree> Parameters() = 0;
  virtual absl::Status SetParameters(const TensorTree& parameters) = 0;

  // Everything but the replays: parameters, moments, random state, step, input scaling. A state of
  // another engine is taken too, but for its random state: randomness then goes on from this
  // engine's seed and the step. INVALID_ARGUMENT where the bytes are damaged or of another
  // algorithm or shape; nothing changes then.
  virtual absl::StatusOr<std::string> Save() = 0;
  virtual absl::Status Load(absl::string_view state) = 0;
};

struct EngineOptions {
  LearnerConfig config;
  Device device = Device::kCpu;
  Precision precision = Precision::kFloat32;
  uint64_t seed = 1;
  // Of the numerical work, the whole process's LibTorch; 0 leaves it as it is.
  int threads = 1;
  // Outlive the engine, live on its device. Either may be null where Step is not called or the
  // algorithm does not use it. Options that depend on the dataset's statistics (normalised
  // observations, the noise on next states, scaled differences) take them from `real` at creation,
  // so it must hold the dataset by then.
  const DeviceReplay* real = nullptr;
  const DeviceReplay* sim = nullptr;
};

// LibTorch's autograd: the readable reference.
absl::StatusOr<std::unique_ptr<Engine>> MakeEagerEngine(const EngineOptions& options);

// Written out for the CPU in float32, many times faster for the nets of these tasks. Two threads at
// most, which give the numbers of one.
absl::StatusOr<std::unique_ptr<Engine>> MakeNativeEngine(const EngineOptions& options);

// Whole steps recorded once and replayed on a GPU with no work of the host's between. A seed whose
// loss is not sound stops on the device before anything is updated; Step says so when it next
// looks, at most 64 steps later. On the CPU it runs the same arithmetic on one thread, slowly: for
// tests. UNIMPLEMENTED where a net has more layers than it holds.
absl::StatusOr<std::unique_ptr<Engine>> MakeGraphEngine(const EngineOptions& options);

// Several seeds of one experiment that train side by side on one device, as one more dimension of
// every batch.
class SeedEngines {
 public:
  virtual ~SeedEngines() = default;

  virtual size_t size() const = 0;
  // One seed, as if alone but for Step and StepWith, which it refuses.
  virtual Engine& engine(size_t index) = 0;
  // Engine::Step for all. A seed that diverged stays where it is while the others go on; the error
  // is the first such seed's.
  virtual absl::Status Step(int count) = 0;
};

struct SeedOptions {
  uint64_t seed = 1;
  // Null: EngineOptions'. The dataset's statistics are those of EngineOptions::real.
  const DeviceReplay* real = nullptr;
  const DeviceReplay* sim = nullptr;
};

// By the graph engine; `options.seed` is not used.
absl::StatusOr<std::unique_ptr<SeedEngines>> MakeSeedEngines(const EngineOptions& options,
                                                             const std::vector<SeedOptions>& seeds);

enum class EngineKind {
  // The fastest that computes the algorithm on the given device in the given precision.
  kAuto,
  kEager,
  kNative,
  kGraph,
};

absl::StatusOr<std::unique_ptr<Engine>> MakeEngine(EngineKind kind, const EngineOptions& options);

}  // namespace estuary::learner
