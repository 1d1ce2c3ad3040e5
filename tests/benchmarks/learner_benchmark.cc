// Gradient steps of H2O on the CPU, in alternating slices of one run: the machine's speed swings
// over minutes, so only ratios of neighbouring slices mean something.
//
//   learner_benchmark [--python=PYTHON] [--slices=N] [--slice_seconds=S] [--case=NAME]
//
// The native engine is held against
// - the same update in eager PyTorch (pytorch_peer.py), one thread, where PYTHON can import torch,
// and
//   else in LibTorch's autograd (the eager engine);
// - the machine's limit: the update's floating-point operations at the speed of a float32 product
// of
//   256 x 256 x 256 through the same library;
// - itself on one thread, for two.
//
// BENCH cheetah_cpu 150.2 updates/s ratio=4.1 against=eager_pytorch

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "learner/core/engine.h"
#include "learner/core/native/aligned.h"
#include "learner/core/native/product.h"

namespace estuary::learner {
namespace {

struct Case {
  const char* name;
  int observation;
  int action;
  int hidden;
  int batch;
  int discriminator_batch;
};

constexpr Case kCases[] = {
    {"robot_cpu", 4, 1, 32, 32, 32},
    {"recipe_cpu", 4, 1, 64, 128, 128},
    {"cheetah_cpu", 17, 6, 256, 256, 256},
};
constexpr int kRows = 20'000;

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

// Floating-point operations of the products that one H2O step needs, each counted once: forward and
// gradient of the discriminators; d_sas forward for 11 next states of each simulated row, the part
// of (s, a) once; targets and next actions forward; critics forward and backward; the lesser
// critic's input gradient of each row; policy forward and backward.
double UpdateFlops(const Case& c) {
  const double o = c.observation, a = c.action, h = c.hidden;
  const auto forward = [h](double in, double out) { return 2 * (in * h + h * h + h * out); };
  const auto inputs = [h](double out) { return 2 * (h * h + h * out); };
  const auto trained = [&](double in, double out) { return 2 * forward(in, out) + inputs(out); };
  const double sa = o + a, sas = 2 * o + a, rows = c.batch, sim = c.batch / 2.0;
  return 2 * c.discriminator_batch * (trained(sa, 2) + trained(sas, 2)) +
         sim * (2 * sas * h + 11 * (inputs(2) + 2 * o * h)) +
         rows * (forward(o, 2 * a) + 2 * forward(sa, 1)) + rows * 2 * trained(sa, 1) +
         rows * (2 * forward(sa, 1) + inputs(1) + 2 * a * h) + rows * trained(o, 2 * a);
}

// Updates (or calls) per second over a slice.
using Slice = std::function<double(double seconds)>;

class PythonPeer {
 public:
  // Null where PYTHON cannot run it.
  static std::unique_ptr<PythonPeer> Start(const std::string& python, const Case& c) {
    int to[2], from[2];
    if (pipe(to) != 0 || pipe(from) != 0) return nullptr;
    const pid_t pid = fork();
    if (pid < 0) return nullptr;
    if (pid == 0) {
      dup2(to[0], STDIN_FILENO);
      dup2(from[1], STDOUT_FILENO);
      for (const int fd : {to[0], to[1], from[0], from[1]}) close(fd);
      const std::string o = std::to_string(c.observation), a = std::to_string(c.action),
                        h = std::to_string(c.hidden), b = std::to_string(c.batch),
                        d = std::to_string(c.discriminator_batch);
      execlp(python.c_str(), python.c_str(), ESTUARY_PYTORCH_PEER, "--observation", o.c_str(),
             "--action", a.c_str(), "--hidden", h.c_str(), "--batch", b.c_str(),
             "--discriminator-batch", d.c_str(), nullptr);
      _exit(127);
    }
    close(to[0]);
    close(from[1]);
    std::unique_ptr<PythonPeer> peer(new PythonPeer(pid, fdopen(to[1], "w"), fdopen(from[0], "r")));
    char word[16];
    if (std::fscanf(peer->from_, "%15s", word) != 1) return nullptr;
    return peer;
  }

  ~PythonPeer() {
    std::fclose(to_);
    std::fclose(from_);
    waitpid(pid_, nullptr, 0);
  }

  double Run(double seconds) {
    std::fprintf(to_, "%f\n", seconds);
    std::fflush(to_);
    double updates = 0, elapsed = 1;
    if (std::fscanf(from_, "%lf %lf", &updates, &elapsed) != 2) {
      std::fprintf(stderr, "the PyTorch peer ended\n");
      std::exit(1);
    }
    return updates / elapsed;
  }

 private:
  PythonPeer(pid_t pid, FILE* to, FILE* from) : pid_(pid), to_(to), from_(from) {}

  pid_t pid_;
  FILE* to_;
  FILE* from_;
};

std::unique_ptr<DeviceReplay> RandomReplay(const char* name, const Case& c, unsigned seed) {
  ReplayOptions options;
  options.name = name;
  options.observation_dim = c.observation;
  options.action_dim = c.action;
  auto replay = DeviceReplay::Create(options);
  if (!replay.ok()) return nullptr;
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<float> uniform(-1, 1);
  const auto fill = [&](int dim, auto& distribution) {
    std::vector<float> values(static_cast<size_t>(kRows) * static_cast<size_t>(dim));
    for (float& value : values) value = distribution(random);
    return values;
  };
  const auto s = fill(c.observation, normal), s2 = fill(c.observation, normal);
  const auto a = fill(c.action, uniform), r = fill(1, normal);
  const std::vector<float> terminal(kRows, 0);
  if (!(*replay)->Append({s, a, s2, r, terminal}).ok()) return nullptr;
  return *std::move(replay);
}

class EngineSlice {
 public:
  EngineSlice(EngineKind kind, const EngineOptions& options, int steps) : steps_(steps) {
    auto made = MakeEngine(kind, options);
    if (!made.ok()) {
      std::fprintf(stderr, "%s\n", std::string(made.status().message()).c_str());
      std::exit(1);
    }
    engine_ = *std::move(made);
    Run(0.05);
  }

  double Run(double seconds) {
    const double start = Now();
    int64_t updates = 0;
    double elapsed = 0;
    for (; elapsed < seconds; elapsed = Now() - start, updates += steps_) {
      if (const auto status = engine_->Step(steps_); !status.ok()) {
        std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
        std::exit(1);
      }
    }
    return static_cast<double>(updates) / elapsed;
  }

 private:
  std::unique_ptr<Engine> engine_;
  int steps_;
};

// Products of 256 x 256 x 256 per second.
double ProductsPerSecond(double seconds) {
  constexpr int n = 256;
  static native::Floats in(n * n), weight(n * n), out(n * n);
  static const native::Product product(
      {.rows = n, .columns = n, .depth = n, .in_ld = n, .weight_ld = n, .out_ld = n});
  const double start = Now();
  int64_t calls = 0;
  double elapsed = 0;
  for (; elapsed < seconds; elapsed = Now() - start, ++calls) {
    product(in.data(), weight.data(), out.data());
  }
  return static_cast<double>(calls) / elapsed;
}

struct Settings {
  std::string python;
  std::string only;
  int slices = 7;
  double slice_seconds = 0.5;
};

void Report(const std::string& name, double value, double ratio, const char* against) {
  std::printf("BENCH %s %.1f updates/s ratio=%.2f against=%s\n", name.c_str(), value, ratio,
              against);
  std::fflush(stdout);
}

bool Measure(const Case& c, const Settings& settings) {
  const auto real = RandomReplay("real", c, 1), sim = RandomReplay("sim", c, 2);
  if (real == nullptr || sim == nullptr) return false;
  EngineOptions options;
  LearnerConfig& config = options.config;
  config.observation_dim = c.observation;
  config.action_dim = c.action;
  config.algorithm = *AlgorithmByName("h2o");
  config.networks.hidden = config.networks.discriminator_hidden = {c.hidden, c.hidden};
  config.optimizer.batch_size = c.batch;
  config.optimizer.discriminator_batch_size = c.discriminator_batch;
  options.real = real.get();
  options.sim = sim.get();
  const int steps = c.hidden <= 64 ? 50 : 2;
  EngineSlice native(EngineKind::kNative, options, steps);
  EngineSlice eager(EngineKind::kEager, options, 1);
  options.threads = 2;
  EngineSlice two_threads(EngineKind::kNative, options, steps);
  const auto python = settings.python.empty() ? nullptr : PythonPeer::Start(settings.python, c);
  if (!settings.python.empty() && python == nullptr) {
    std::fprintf(stderr, "%s does not run pytorch_peer.py; measuring against LibTorch\n",
                 settings.python.c_str());
  }
  const double products = UpdateFlops(c) / (2.0 * 256 * 256 * 256);

  std::vector<double> rates, eager_ratios, python_ratios, limit_ratios, two_rates, two_ratios,
      gflops;
  for (int slice = 0; slice < settings.slices; ++slice) {
    const double seconds = settings.slice_seconds;
    const double rate = native.Run(seconds);
    const double limit = ProductsPerSecond(seconds / 2) / products;
    rates.push_back(rate);
    limit_ratios.push_back(rate / limit);
    gflops.push_back(limit * UpdateFlops(c) * 1e-9);
    two_rates.push_back(two_threads.Run(seconds));
    two_ratios.push_back(two_rates.back() / rate);
    eager_ratios.push_back(rate / eager.Run(seconds));
    if (python != nullptr) python_ratios.push_back(rate / python->Run(seconds));
  }
  const double rate = Median(rates);
  std::printf(
      "%s: obs %d, act %d, %d-%d, batch %d, discriminators %d + %d; %.2f MFLOP an update; product "
      "of 256 at %.0f GFLOP/s\n",
      c.name, c.observation, c.action, c.hidden, c.hidden, c.batch, c.discriminator_batch,
      c.discriminator_batch, UpdateFlops(c) * 1e-6, Median(gflops));
  if (python != nullptr) Report(c.name, rate, Median(python_ratios), "eager_pytorch");
  Report(c.name, rate, Median(eager_ratios), "eager_libtorch");
  Report(std::string(c.name) + "_limit", rate, Median(limit_ratios), "matrix_product");
  Report(std::string(c.name) + "_2_threads", Median(two_rates), Median(two_ratios), "1_thread");
  return true;
}

int Main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const size_t equals = argument.find('=');
    const std::string key = argument.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : argument.substr(equals + 1);
    if (key == "--python" && !value.empty()) {
      settings.python = value;
    } else if (key == "--slices" && std::atoi(value.c_str()) > 0) {
      settings.slices = std::atoi(value.c_str());
    } else if (key == "--slice_seconds" && std::atof(value.c_str()) > 0) {
      settings.slice_seconds = std::atof(value.c_str());
    } else if (key == "--case") {
      settings.only = value;
    } else {
      std::fprintf(stderr,
                   "unknown argument %s; there are --python, --slices, --slice_seconds, "
                   "--case\n",
                   argument.c_str());
      return 2;
    }
  }
  for (const Case& c : kCases) {
    if (!settings.only.empty() && settings.only != c.name) continue;
    if (!Measure(c, settings)) return 1;
  }
  return 0;
}

}  // namespace
}  // namespace estuary::learner

int main(int argc, char** argv) { return estuary::learner::Main(argc, argv); }
