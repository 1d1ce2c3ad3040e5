#include "learner/core/cuda/graph_engine.h"

#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "learner/core/cuda/graph_learner.h"
#include "learner/core/cuda/host_backend.h"
#include "learner/core/cuda/plugin.h"
#include "learner/core/replay/replay_check.h"

namespace estuary::learner {
namespace cuda {
namespace {

// On a GPU, looking waits for every step launched; on the CPU there is nothing to wait for.
constexpr int kStepsBetweenDeviceChecks = 64;
constexpr int kMostLayers = kMaxLayers - 1;

// Runs `action` and turns what LibTorch throws into a Status.
template <typename Action>
auto Guarded(const char* what, Action action) -> decltype(action()) {
  try {
    return action();
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat(what, " failed: ", error.what()));
  }
}

// One seed of a learner. Where it is not alone, only all of them step together.
class SeedView : public Engine {
 public:
  SeedView(std::shared_ptr<GraphLearner> learner, int seed)
      : learner_(std::move(learner)), seed_(seed) {}

  std::string name() const override { return "cuda_graph"; }
  const LearnerConfig& config() const override { return learner_->config(); }
  uint64_t steps_done() const override { return learner_->steps_done(seed_); }
  absl::Status Step(int count) override {
    if (learner_->seeds() != 1) {
      return absl::FailedPreconditionError(
          absl::StrCat("this seed trains beside ", learner_->seeds() - 1,
                       " others, which step together: step them all at once"));
    }
    return Guarded("a gradient step", [&] { return learner_->Step(count); });
  }
  absl::StatusOr<TensorTree> StepWith(const TensorTree& inputs) override {
    return Guarded("a gradient step", [&] { return learner_->StepWith(inputs); });
  }
  absl::StatusOr<std::map<std::string, double>> Metrics() override {
    return Guarded("taking metrics", [&] { return learner_->Metrics(seed_); });
  }
  absl::StatusOr<TensorTree> RowMetrics() override {
    return Guarded("taking metrics", [&] { return learner_->RowMetrics(seed_); });
  }
  absl::StatusOr<PolicyWeights> ExportPolicy(PolicyKind kind) override {
    return Guarded("exporting the policy", [&] { return learner_->Policy(seed_, kind); });
  }
  absl::StatusOr<TensorTree> Parameters() override {
    return Guarded("reading the parameters", [&] { return learner_->Parameters(seed_); });
  }
  absl::Status SetParameters(const TensorTree& parameters) override {
    return Guarded("setting the parameters",
                   [&] { return learner_->SetParameters(seed_, parameters); });
  }
  absl::StatusOr<std::string> Save() override {
    return Guarded("saving", [&] { return learner_->Save(seed_); });
  }
  absl::Status Load(absl::string_view state) override {
    return Guarded("loading a saved state", [&] { return learner_->Load(seed_, state); });
  }

 private:
  std::shared_ptr<GraphLearner> learner_;
  int seed_;
};

class Seeds : public SeedEngines {
 public:
  explicit Seeds(std::shared_ptr<GraphLearner> learner) : learner_(std::move(learner)) {
    for (int seed = 0; seed < learner_->seeds(); ++seed) views_.emplace_back(learner_, seed);
  }

  size_t size() const override { return views_.size(); }
  Engine& engine(size_t index) override { return views_[index]; }
  absl::Status Step(int count) override {
    return Guarded("a gradient step", [&] { return learner_->Step(count); });
  }

 private:
  std::shared_ptr<GraphLearner> learner_;
  std::vector<SeedView> views_;
};

absl::StatusOr<std::shared_ptr<GraphLearner>> MakeLearner(std::shared_ptr<Backend> backend,
                                                          const EngineOptions& options,
                                                          std::vector<SeedOptions> seeds,
                                                          Arithmetic arithmetic) {
  if (auto status = Validate(options.config); !status.ok()) return status;
  if (auto status = CheckSupported(options.config); !status.ok()) return status;
  if (seeds.empty()) return absl::InvalidArgumentError("no seed is given; name at least one");
  for (SeedOptions& seed : seeds) {
    if (seed.real == nullptr) seed.real = options.real;
    if (seed.sim == nullptr) seed.sim = options.sim;
    for (const DeviceReplay* replay : {seed.real, seed.sim}) {
      if (auto status = CheckReplayFits(replay, options); !status.ok()) return status;
    }
  }
  const int checks = options.device == Device::kCuda ? kStepsBetweenDeviceChecks : 1;
  return Guarded("making the engine", [&] {
    return MakeGraphLearner(options, seeds, std::move(backend), checks, arithmetic);
  });
}

absl::StatusOr<std::shared_ptr<Backend>> OpenBackendFor(const EngineOptions& options) {
  if (options.device == Device::kCpu) return std::shared_ptr<Backend>(MakeHostBackend());
  if (auto status = OpenDevice(options.device); !status.ok()) return status;
  return OpenCudaBackend();
}

}  // namespace

absl::Status CheckSupported(const LearnerConfig& config) {
  const NetworkConfig& networks = config.networks;
  for (const auto& hidden :
       {networks.hidden, networks.discriminator_hidden, networks.dynamics_hidden}) {
    if (hidden.size() > static_cast<size_t>(kMostLayers)) {
      return absl::UnimplementedError(absl::StrCat("engine CUDA_GRAPH computes nets of at most ",
                                                   kMostLayers, " hidden layers, not ",
                                                   hidden.size(), "; choose engine EAGER"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<SeedEngines>> MakeSeedEnginesOn(
    std::shared_ptr<Backend> backend, const EngineOptions& options,
    const std::vector<SeedOptions>& seeds, Arithmetic arithmetic) {
  auto learner = MakeLearner(std::move(backend), options, seeds, arithmetic);
  if (!learner.ok()) return learner.status();
  return std::make_unique<Seeds>(*std::move(learner));
}

absl::StatusOr<std::unique_ptr<Engine>> MakeGraphEngineOn(std::shared_ptr<Backend> backend,
                                                          const EngineOptions& options,
                                                          Arithmetic arithmetic) {
  auto learner = MakeLearner(std::move(backend), options, {{.seed = options.seed}}, arithmetic);
  if (!learner.ok()) return learner.status();
  return std::make_unique<SeedView>(*std::move(learner), 0);
}

}  // namespace cuda

absl::StatusOr<std::unique_ptr<Engine>> MakeGraphEngine(const EngineOptions& options) {
  auto backend = cuda::OpenBackendFor(options);
  if (!backend.ok()) return backend.status();
  return cuda::MakeGraphEngineOn(*std::move(backend), options);
}

absl::StatusOr<std::unique_ptr<SeedEngines>> MakeSeedEngines(
    const EngineOptions& options, const std::vector<SeedOptions>& seeds) {
  auto backend = cuda::OpenBackendFor(options);
  if (!backend.ok()) return backend.status();
  return cuda::MakeSeedEnginesOn(*std::move(backend), options, seeds);
}

}  // namespace estuary::learner
