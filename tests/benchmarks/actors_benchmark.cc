// A whole actor against bare MuJoCo: environment steps a second of the actor's own loop with a
// policy of 256-256, 64 worlds, encoding, and gRPC into a real estuary-replay in another process
// over a Unix socket, and of MuJoCo's step alone with random controls, in alternating slices of one
// thread.
//
//   actors_benchmark [slices] [replay binary]
//
// Every slice of the actor ends when the replay has acknowledged its last row, so nothing of its
// work is left for the other's time. The policy's outputs are scaled to mean 0 and a standard
// deviation of .9 before the tanh, nearly uniform actions, so that both sides simulate the same
// kind of motion. Speeds of a shared machine swing over seconds: the ratio is the median over pairs
// of neighbours.

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "actors/pace.h"
#include "actors/rollout_loop.h"
#include "common/client/replay_writer.h"
#include "common/experiment/experiment.h"
#include "common/policy/policy.h"
#include "tests/actors/replay_process.h"
#include "tests/benchmarks/bare_mujoco.h"
#include "tests/common/policy/policies.h"

namespace estuary::benchmarks {
namespace {

constexpr int kWorlds = 64;

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Of this thread, on a processor.
double ProcessorSeconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

class WriterSink : public actor::RowSink {
 public:
  explicit WriterSink(client::ReplayWriter& writer) : writer_(writer) {}
  absl::StatusOr<bool> TryAppend(transition::BlockBuilder& rows) override {
    return writer_.TryAppend(rows);
  }

 private:
  client::ReplayWriter& writer_;
};

std::shared_ptr<const policy::Policy> MakePolicy(const worlds::TaskSpec& task) {
  v1::PolicyVersion version = policy::testing::MakePolicyVersion(
      {.task = task.name, .observation_dim = task.observation_dim, .action_dim = task.action_dim});
  v1::DenseLayer& last = *version.mutable_layers(2);
  for (std::string* numbers : {last.mutable_weight(), last.mutable_bias()}) {
    std::vector<float> values = policy::testing::FromBytes(*numbers);
    for (float& value : values) value *= 1e-2f;
    *numbers = policy::testing::ToBytes(values);
  }
  version.set_log_std_offset(-.1f);
  const auto observation = version.test_observation();
  const auto expected =
      policy::testing::ActSlowly(version, {observation.begin(), observation.end()});
  for (int i = 0; i < task.action_dim; ++i) {
    version.set_test_action(i, static_cast<float>(std::tanh(expected.mean[i])));
  }
  policy::SealPolicyVersion(version);
  return *policy::Policy::FromProto(version);
}

struct Times {
  double wall = 0;
  double processor = 0;
};

Times Now() { return {.wall = Seconds(), .processor = ProcessorSeconds()}; }
Times operator-(const Times& a, const Times& b) {
  return {.wall = a.wall - b.wall, .processor = a.processor - b.processor};
}

// One slice of each, of so many periods; bare slice 0 comes before actor slice 0.
struct Slices {
  uint64_t periods = 0;
  std::vector<Times> actor;
  std::vector<Times> bare;
  std::vector<double> flush;
};

// Actor slices against the mean of the bare slices around them.
std::vector<double> Ratios(const Slices& slices, double Times::*time) {
  std::vector<double> ratios;
  for (size_t i = 0; i < slices.actor.size(); ++i) {
    ratios.push_back((slices.bare[i].*time + slices.bare[i + 1].*time) / 2 /
                     (slices.actor[i].*time));
  }
  return ratios;
}

double MedianRate(const Slices& slices, const std::vector<Times>& times) {
  std::vector<double> rates;
  for (const Times& t : times) rates.push_back(static_cast<double>(slices.periods) / t.wall);
  return Median(rates);
}

absl::StatusOr<Slices> Run(const std::string& name, int count, const std::string& replay_binary) {
  const worlds::TaskSpec task = *worlds::FindTask(name);
  const transition::Schema schema =
      transition::Schema::Standard(name, task.observation_dim, task.action_dim,
                                   static_cast<uint32_t>(task.control_period * 1e6 + .5));
  const std::string folder = absl::StrCat("/tmp/actors_benchmark_", getpid());
  actor::testing::ReplayProcess replay(replay_binary, folder, schema);
  v1::Experiment experiment;
  experiment.set_name("benchmark");
  experiment.set_task(name);
  experiment.mutable_algorithm()->set_name("sac");
  experiment.mutable_cluster()->set_environments_per_actor(kWorlds);
  if (absl::Status status = experiment::FillDefaults(experiment); !status.ok()) return status;
  const actor::Pace pace = actor::ChoosePace(experiment, kWorlds);
  client::ReplayWriterOptions options{.shards = {replay.address()},
                                      .table = "sim",
                                      .writer_id = "benchmark/actor-0",
                                      .schema = schema,
                                      .shard = std::nullopt,
                                      .replaceable = true,
                                      .first_sequence = std::nullopt};
  options.buffer_rows = pace.buffer_rows;
  auto writer = client::ReplayWriter::Start(options);
  if (!writer.ok()) return writer.status();
  const auto first = (*writer)->WaitUntilConnected(absl::Seconds(20));
  if (!first.ok()) return first.status();
  auto worlds = worlds::MakeWorlds({.task = name}, kWorlds);
  if (!worlds.ok()) return worlds.status();

  process::Metrics registry;
  actor::ActorMetrics metrics(registry);
  actor::PolicyInbox inbox;
  actor::ReadyPolicy ready{.policy = MakePolicy(task)};
  ready.workspace.emplace(*ready.policy, kWorlds);
  inbox.Put(std::move(ready));
  WriterSink sink(**writer);
  actor::RolloutConfig config;
  config.block_rows = pace.block_rows;
  actor::RolloutLoop loop(config, schema, *std::move(worlds), inbox, sink, metrics);

  const std::unique_ptr<BareMujoco> bare = BareMujoco::Make(name, /*seed=*/1);
  bare->Run(2048);
  Slices slices{.periods = name == "walker2d" ? 512u : 1024u, .actor = {}, .bare = {}, .flush = {}};
  const auto run_bare = [&] {
    const Times start = Now();
    bare->Run(static_cast<int>(slices.periods));
    slices.bare.push_back(Now() - start);
  };
  // The loop asks between any two of its steps whether to stop: here the other side gets its turn.
  absl::Status flushed;
  uint64_t target = 4096;
  Times start;
  const absl::Status ran = loop.Run([&] {
    if (loop.sequence() < target) return false;
    const double stepped = Seconds();
    flushed = (*writer)->Flush(absl::Seconds(20));
    // The first rows are the warm-up.
    if (!slices.bare.empty()) {
      slices.actor.push_back(Now() - start);
      slices.flush.push_back(Seconds() - stepped);
    }
    run_bare();
    target = loop.sequence() + slices.periods;
    start = Now();
    return !flushed.ok() || static_cast<int>(slices.actor.size()) == count;
  });
  if (!ran.ok()) return ran;
  if (absl::Status last = (*writer)->Flush(absl::Seconds(20)); !last.ok()) return last;
  // What was counted is what the replay holds.
  const uint64_t stored = replay.Describe().inserted();
  std::filesystem::remove_all(folder);
  if (stored != loop.sequence()) {
    return absl::InternalError(
        absl::StrCat("the actor made ", loop.sequence(), " rows, the replay stored ", stored));
  }
  return slices;
}

// What inference alone takes of a step, for the record.
double InferenceMicroseconds(const std::string& name) {
  const worlds::TaskSpec task = *worlds::FindTask(name);
  const auto policy = MakePolicy(task);
  policy::Policy::Workspace workspace(*policy, kWorlds);
  const std::vector<float> observations(kWorlds * task.observation_dim, .1f);
  const std::vector<float> noise(kWorlds * task.action_dim, .5f);
  std::vector<float> actions(noise.size());
  std::vector<double> times;
  for (int i = 0; i < 200; ++i) {
    const double start = Seconds();
    policy->ActStochastic(observations, noise, kWorlds, workspace, absl::MakeSpan(actions));
    times.push_back((Seconds() - start) / kWorlds * 1e6);
  }
  return Median(times);
}

bool Measure(const std::string& name, int count, const std::string& replay_binary) {
  const absl::StatusOr<Slices> slices = Run(name, count, replay_binary);
  if (!slices.ok()) {
    std::fprintf(stderr, "actors_benchmark: error: %s: %s\n", name.c_str(),
                 std::string(slices.status().message()).c_str());
    return false;
  }
  std::vector<double> ratios = Ratios(*slices, &Times::wall);
  std::sort(ratios.begin(), ratios.end());
  const double bare = MedianRate(*slices, slices->bare);
  std::printf(
      "%s: bare MuJoCo %.0f steps/s (%.1f us); of a step, inference takes %.2f us; a slice waits "
      "%.2f ms for its last acknowledgement\n",
      name.c_str(), bare, 1e6 / bare, InferenceMicroseconds(name), Median(slices->flush) * 1e3);
  std::printf("%s: ratio of %zu slices, quartiles %.3f to %.3f; in processor time %.3f\n",
              name.c_str(), ratios.size(), ratios[ratios.size() / 4], ratios[ratios.size() * 3 / 4],
              Median(Ratios(*slices, &Times::processor)));
  std::printf("BENCH %s %.0f steps/s ratio=%.3f against=bare_mujoco\n", name.c_str(),
              MedianRate(*slices, slices->actor), Median(ratios));
  std::fflush(stdout);
  return true;
}

}  // namespace
}  // namespace estuary::benchmarks

int main(int argc, char** argv) {
  const int slices = argc > 1 ? std::max(1, std::atoi(argv[1])) : 300;
  const std::string replay = argc > 2 ? argv[2] : ESTUARY_BIN_DIR "/estuary-replay";
  bool good = true;
  for (const char* task : {"half_cheetah", "walker2d"}) {
    good = estuary::benchmarks::Measure(task, slices, replay) && good;
  }
  return good ? 0 : 1;
}
