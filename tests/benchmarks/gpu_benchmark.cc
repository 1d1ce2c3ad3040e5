// Gradient steps of H2O and of the two rows with nets of their own on a GPU: the CUDA graph engine
// for one seed and for many, in float32 and on the matrix units (tf32x3 agrees with float32, tf32
// does not), against the eager engine on the same GPU (one seed) and against the native engine on
// one of this machine's cores. Builds with the numerical core alone.
//
//   gpu_benchmark [--slices=N] [--slice_seconds=S] [--json=FILE]
//
// Ends with 3, saying why, where there is no GPU to measure. Rates are of all seeds together.
//
// BENCH cheetah_gpu_16_seeds 41234.0 updates/s ratio=190.1 against=native_cpu

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "learner/core/cuda/graph_engine.h"
#include "learner/core/cuda/plugin.h"
#include "learner/core/dynamics_model.h"
#include "learner/core/engine.h"

namespace estuary::learner {
namespace {

constexpr int kNoDevice = 3;
constexpr int kRows = 100'000;

struct Case {
  const char* name;
  const char* algorithm;
  int observation, action, hidden, batch;
  int seeds;
  cuda::Arithmetic arithmetic;
  // Updates per second; 0: none.
  double goal;
};

constexpr auto kPlain = cuda::Arithmetic::kPlain;
constexpr auto kThrice = cuda::Arithmetic::kTensor3;
constexpr auto kOnce = cuda::Arithmetic::kTensor1;

constexpr Case kCases[] = {
    {"cheetah_gpu", "h2o", 17, 6, 256, 256, 1, kPlain, 8'000},
    {"cheetah_gpu_tf32x3", "h2o", 17, 6, 256, 256, 1, kThrice, 8'000},
    {"cheetah_gpu_4_seeds", "h2o", 17, 6, 256, 256, 4, kPlain, 0},
    {"cheetah_gpu_16_seeds", "h2o", 17, 6, 256, 256, 16, kPlain, 40'000},
    {"cheetah_gpu_16_seeds_tf32x3", "h2o", 17, 6, 256, 256, 16, kThrice, 40'000},
    {"cheetah_gpu_16_seeds_tf32", "h2o", 17, 6, 256, 256, 16, kOnce, 0},
    {"cheetah_gpu_reverse_kl", "h2o_reverse_kl", 17, 6, 256, 256, 1, kPlain, 0},
    {"cheetah_gpu_reverse_kl_16_seeds", "h2o_reverse_kl", 17, 6, 256, 256, 16, kPlain, 0},
    {"cheetah_gpu_plus", "h2o_plus", 17, 6, 256, 256, 1, kPlain, 0},
    {"cheetah_gpu_plus_16_seeds", "h2o_plus", 17, 6, 256, 256, 16, kPlain, 0},
    {"robot_gpu", "h2o", 4, 1, 32, 32, 1, kPlain, 0},
    {"robot_gpu_16_seeds", "h2o", 4, 1, 32, 32, 16, kPlain, 0},
    {"robot_gpu_64_seeds", "h2o", 4, 1, 32, 32, 64, kPlain, 0},
};

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

void Die(const absl::Status& status) {
  std::fprintf(stderr, "gpu_benchmark: %s\n", std::string(status.message()).c_str());
  std::exit(1);
}

std::unique_ptr<DeviceReplay> RandomReplay(const Case& c, const char* name, uint32_t seed,
                                           Device device) {
  ReplayOptions options;
  options.name = name;
  options.observation_dim = c.observation;
  options.action_dim = c.action;
  options.device = device;
  auto replay = DeviceReplay::Create(options);
  if (!replay.ok()) Die(replay.status());
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<float> uniform(-1, 1);
  const auto numbers = [&](int count, auto& draw) {
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) value = draw(random);
    return values;
  };
  const auto observation = numbers(kRows * c.observation, normal);
  const auto next = numbers(kRows * c.observation, normal);
  const auto action = numbers(kRows * c.action, uniform);
  const auto reward = numbers(kRows, normal);
  const std::vector<float> terminal(kRows, 0.0f);
  const auto status = (*replay)->Append({observation, action, next, reward, terminal});
  if (!status.ok()) Die(status);
  return *std::move(replay);
}

LearnerConfig ConfigOf(const Case& c) {
  LearnerConfig config;
  config.observation_dim = c.observation;
  config.action_dim = c.action;
  config.algorithm = *AlgorithmByName(c.algorithm);
  // How good the model of the dynamics is does not change a step's time.
  config.algorithm.dynamics_model.steps = 20;
  config.networks.hidden = config.networks.discriminator_hidden =
      config.networks.dynamics_hidden = {c.hidden, c.hidden};
  config.optimizer.batch_size = c.batch;
  return config;
}

// Steps for `seconds`; `step` runs `count` and `wait` ends when all are done. Steps per second.
template <typename Step, typename Wait>
double Rate(double seconds, int count, Step step, Wait wait) {
  const double start = Now();
  int64_t steps = 0;
  while (Now() - start < seconds) {
    if (const absl::Status status = step(count); !status.ok()) Die(status);
    steps += count;
  }
  wait();
  return static_cast<double>(steps) / (Now() - start);
}

// Reading the parameters waits for all that was launched.
void Wait(Engine& engine) {
  if (const auto read = engine.Parameters(); !read.ok()) Die(read.status());
}

struct Result {
  const Case* of;
  double graph, slowest, fastest, eager, native;
};

Result Measure(const Case& c, int slices, double seconds) {
  EngineOptions gpu, cpu;
  gpu.config = cpu.config = ConfigOf(c);
  gpu.device = Device::kCuda;
  const auto real = RandomReplay(c, "real", 1, Device::kCuda);
  const auto sim = RandomReplay(c, "sim", 2, Device::kCuda);
  const auto host_real = RandomReplay(c, "real", 1, Device::kCpu);
  const auto host_sim = RandomReplay(c, "sim", 2, Device::kCpu);
  gpu.real = real.get();
  gpu.sim = sim.get();
  cpu.real = host_real.get();
  cpu.sim = host_sim.get();
  std::vector<SeedOptions> seeds(static_cast<size_t>(c.seeds));
  for (size_t i = 0; i < seeds.size(); ++i) seeds[i].seed = i + 1;
  auto backend = cuda::OpenCudaBackend();
  if (!backend.ok()) Die(backend.status());
  const auto graph = cuda::MakeSeedEnginesOn(*std::move(backend), gpu, seeds, c.arithmetic);
  if (!graph.ok()) Die(graph.status());
  const auto eager = MakeEagerEngine(gpu);
  if (!eager.ok()) Die(eager.status());
  const auto native = MakeNativeEngine(cpu);
  if (!native.ok()) Die(native.status());

  if (gpu.config.algorithm.NeedsDynamicsModel()) {
    const auto model = LearnDynamicsModel(cpu.config, *host_real, 1, nullptr);
    if (!model.ok()) Die(model.status());
    const auto set = [&](Engine& engine) {
      if (const auto status = SetDynamicsModel(engine, *model); !status.ok()) Die(status);
    };
    for (size_t i = 0; i < seeds.size(); ++i) set((*graph)->engine(i));
    set(**eager);
    set(**native);
  }

  std::vector<double> graph_rates, eager_rates, native_rates;
  // The first slice warms up: graphs are recorded, libraries loaded, clocks raised.
  for (int slice = 0; slice <= slices; ++slice) {
    const double graph_rate =
        c.seeds * Rate(
                      seconds, 256, [&](int count) { return (*graph)->Step(count); },
                      [&] { Wait((*graph)->engine(0)); });
    const double eager_rate = Rate(
        seconds / 4, 8, [&](int count) { return (*eager)->Step(count); }, [&] { Wait(**eager); });
    const double native_rate = Rate(
        seconds / 4, 8, [&](int count) { return (*native)->Step(count); }, [] {});
    if (slice == 0) continue;
    graph_rates.push_back(graph_rate);
    eager_rates.push_back(eager_rate);
    native_rates.push_back(native_rate);
  }
  const auto [slowest, fastest] = std::minmax_element(graph_rates.begin(), graph_rates.end());
  return {&c, Median(graph_rates), *slowest, *fastest, Median(eager_rates), Median(native_rates)};
}

void Print(const Result& r) {
  const Case& c = *r.of;
  std::printf("BENCH %s %.0f updates/s ratio=%.2f against=eager_gpu\n", c.name, r.graph,
              r.graph / r.eager);
  std::printf("BENCH %s %.0f updates/s ratio=%.2f against=native_cpu\n", c.name, r.graph,
              r.graph / r.native);
  if (c.goal > 0) {
    std::printf("BENCH %s %.0f updates/s ratio=%.2f against=goal\n", c.name, r.graph,
                r.graph / c.goal);
  }
  std::fflush(stdout);
}

void WriteJson(const std::string& path, const std::vector<Result>& results) {
  std::ofstream file(path);
  file << "[";
  for (size_t i = 0; i < results.size(); ++i) {
    const Result& r = results[i];
    const Case& c = *r.of;
    file << (i == 0 ? "\n" : ",\n") << "  {\"case\": \"" << c.name << "\", \"algorithm\": \""
         << c.algorithm << "\", \"observation\": " << c.observation << ", \"action\": " << c.action
         << ", \"hidden\": " << c.hidden << ", \"batch\": " << c.batch << ", \"seeds\": " << c.seeds
         << ", \"updates_per_second\": " << r.graph << ", \"slowest\": " << r.slowest
         << ", \"fastest\": " << r.fastest
         << ", \"microseconds_per_step\": " << 1e6 * c.seeds / r.graph
         << ", \"eager_gpu\": " << r.eager << ", \"native_cpu\": " << r.native
         << ", \"goal\": " << c.goal << "}";
  }
  file << "\n]\n";
}

int Main(int argc, char** argv) {
  int slices = 7;
  double seconds = 1;
  std::string json;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const size_t equals = argument.find('=');
    const std::string key = argument.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : argument.substr(equals + 1);
    if (key == "--slices" && std::atoi(value.c_str()) > 0) {
      slices = std::atoi(value.c_str());
    } else if (key == "--slice_seconds" && std::atof(value.c_str()) > 0) {
      seconds = std::atof(value.c_str());
    } else if (key == "--json" && !value.empty()) {
      json = value;
    } else {
      std::fprintf(stderr, "unknown argument %s; there are --slices, --slice_seconds, --json\n",
                   argument.c_str());
      return 2;
    }
  }
  if (const absl::Status status = OpenDevice(Device::kCuda); !status.ok()) {
    std::fprintf(stderr, "gpu_benchmark: nothing is measured: %s\n",
                 std::string(status.message()).c_str());
    return kNoDevice;
  }
  std::vector<Result> results;
  for (const Case& c : kCases) {
    results.push_back(Measure(c, slices, seconds));
    Print(results.back());
  }
  if (!json.empty()) WriteJson(json, results);
  return 0;
}

}  // namespace
}  // namespace estuary::learner

int main(int argc, char** argv) { return estuary::learner::Main(argc, argv); }
