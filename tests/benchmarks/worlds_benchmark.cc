// A batch of worlds against bare MuJoCo, in alternating slices of one thread: the machine's speed
// swings over minutes, so only ratios of neighbouring slices mean something.
//
//   worlds_benchmark [slices]
//
// BENCH walker2d_64_worlds <steps/s> steps/s ratio=<median of slices> against=bare_mujoco

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "tests/benchmarks/bare_mujoco.h"
#include "tests/worlds/world_batch.h"

namespace estuary::benchmarks {
namespace {

// The loop of an actor, less policy and network: random actions, a reset where an episode ended.
class BatchLoop {
 public:
  BatchLoop(std::unique_ptr<worlds::WorldBatch> batch, uint64_t seed)
      : batch_(std::move(batch)),
        actions_(batch_->size() * batch_->spec().action_dim),
        observations_(batch_->size() * batch_->spec().observation_dim),
        results_(batch_->size()),
        random_(seed) {
    for (int i = 0; i < batch_->size(); ++i) Reset(i);
  }

  // At least so many control periods, over all worlds.
  int Run(int periods) {
    int done = 0;
    for (; done < periods; done += batch_->size()) {
      for (float& action : actions_) action = static_cast<float>(random_.Uniform(-1, 1));
      batch_->Step(actions_, absl::MakeSpan(observations_), absl::MakeSpan(results_));
      for (int i = 0; i < batch_->size(); ++i) {
        if (results_[i].terminated || results_[i].truncated) Reset(i);
      }
    }
    return done;
  }

 private:
  void Reset(int i) {
    const int size = batch_->spec().observation_dim;
    batch_->Reset(i, worlds::EpisodeKind::kTraining,
                  absl::MakeSpan(observations_).subspan(i * size, size));
  }

  const std::unique_ptr<worlds::WorldBatch> batch_;
  std::vector<float> actions_;
  std::vector<float> observations_;
  std::vector<worlds::StepResult> results_;
  worlds::Random random_;
};

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

bool Measure(const std::string& task, int batch_size, int slices) {
  auto batch = worlds::WorldBatch::Make({.task = task}, batch_size, /*seed=*/1);
  const std::unique_ptr<BareMujoco> bare = BareMujoco::Make(task, /*seed=*/1);
  if (!batch.ok() || bare == nullptr) {
    std::fprintf(stderr, "cannot make task %s\n", task.c_str());
    return false;
  }
  BatchLoop loop(*std::move(batch), /*seed=*/2);
  const int periods = task == "walker2d" ? 1024 : 4096;
  bare->Run(periods);
  loop.Run(periods);
  std::vector<double> batch_rates, ratios;
  for (int slice = 0; slice < slices; ++slice) {
    const double start = Seconds();
    bare->Run(periods);
    const double middle = Seconds();
    const int done = loop.Run(periods);
    const double end = Seconds();
    batch_rates.push_back(done / (end - middle));
    ratios.push_back(batch_rates.back() * (middle - start) / periods);
  }
  std::printf("BENCH %s_%d_worlds %.0f steps/s ratio=%.3f against=bare_mujoco\n", task.c_str(),
              batch_size, Median(batch_rates), Median(ratios));
  std::fflush(stdout);
  return true;
}

}  // namespace
}  // namespace estuary::benchmarks

int main(int argc, char** argv) {
  const int slices = argc > 1 ? std::max(1, std::atoi(argv[1])) : 40;
  for (const char* task : {"half_cheetah", "walker2d"}) {
    for (const int batch : {1, 8, 64}) {
      if (!estuary::benchmarks::Measure(task, batch, slices)) return 1;
    }
  }
}
