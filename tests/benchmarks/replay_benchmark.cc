// The replay server as a process, and this process as its one client, over a Unix socket, with
// HalfCheetah transitions (174 bytes).
//
//   replay_benchmark [replay binary]
//
// BENCH append          rows/s into a table in memory, acknowledged
// BENCH append_durable  rows/s into a durable table, acknowledged after fdatasync
// BENCH sample_256      rows/s in batches of 256 independent rows out of a million
// BENCH follow          bytes/s of rows, against a bare gRPC byte stream in the same run
//
// Each figure is the median of several passes; those of follow alternate with the bare stream's.
// Where no peer runs beside, the ratio is to the goal.

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "common/client/replay_follower.h"
#include "common/client/replay_sampler.h"
#include "common/client/replay_shards.h"
#include "common/client/replay_writer.h"
#include "common/process/files.h"
#include "common/process/textproto.h"
#include "common/transition/block.h"
#include "tests/benchmarks/bare_stream.h"

extern char** environ;

namespace estuary::benchmarks {
namespace {

constexpr uint32_t kBlockRows = 1024;
constexpr uint64_t kTableRows = 1'000'000;
constexpr int kPasses = 5;
constexpr size_t kMessageBytes = 256 << 10;
constexpr absl::Duration kLong = absl::Seconds(60);

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

[[noreturn]] void Fail(const absl::Status& status) {
  std::fprintf(stderr, "replay_benchmark: %s\n", std::string(status.message()).c_str());
  std::exit(1);
}

template <class T>
T Must(absl::StatusOr<T> value) {
  if (!value.ok()) Fail(value.status());
  return *std::move(value);
}

void Must(const absl::Status& status) {
  if (!status.ok()) Fail(status);
}

class Child {
 public:
  explicit Child(const std::vector<std::string>& command) {
    std::vector<char*> arguments;
    for (const std::string& argument : command) {
      arguments.push_back(const_cast<char*>(argument.c_str()));
    }
    arguments.push_back(nullptr);
    if (posix_spawn(&pid_, arguments[0], nullptr, nullptr, arguments.data(), environ) != 0) {
      Fail(absl::NotFoundError("cannot start " + command[0]));
    }
  }
  ~Child() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_ = -1;
};

transition::Schema Cheetah() { return transition::Schema::Standard("half_cheetah", 17, 6, 50'000); }

v1::TransitionBlock RandomRows(uint32_t rows) {
  const transition::Schema schema = Cheetah();
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> observation(17);
  std::vector<float> action(6);
  transition::BlockBuilder builder(schema);
  for (uint32_t i = 0; i < rows; ++i) {
    for (float& value : observation) value = normal(random);
    for (float& value : action) value = std::tanh(normal(random));
    builder.Add({.observation = observation,
                 .action = action,
                 .reward = normal(random),
                 .next_observation = observation,
                 .terminal = false,
                 .truncated = i % 1000 == 999,
                 .source = v1::TRANSITION_SOURCE_POLICY,
                 .policy_version = i,
                 .episode = i / 1000});
  }
  return builder.block();
}

std::string Tables() {
  v1::TableConfigs configs;
  v1::TableConfig& sim = *configs.add_tables();
  sim.set_name("sim");
  *sim.mutable_schema() = Cheetah().proto();
  sim.set_capacity(kTableRows);
  sim.set_remover(v1::REMOVER_FIFO);
  sim.set_durability(v1::DURABILITY_MEMORY);
  v1::TableConfig& real = *configs.add_tables();
  real = sim;
  real.set_name("real");
  real.set_capacity(10 * kTableRows);
  real.set_remover(v1::REMOVER_NONE);
  real.set_durability(v1::DURABILITY_DISK);
  return process::ToTextProto(configs);
}

void Report(const std::string& name, double value, const std::string& unit, double against,
            const std::string& what) {
  std::printf("BENCH %s %.0f %s ratio=%.3f against=%s\n", name.c_str(), value, unit.c_str(),
              value / against, what.c_str());
  std::fflush(stdout);
}

double Append(const std::string& address, const std::string& table, uint64_t rows) {
  const auto writer = Must(client::ReplayWriter::Start({.shards = {address},
                                                        .table = table,
                                                        .writer_id = "benchmark",
                                                        .schema = Cheetah(),
                                                        .buffer_rows = 64 * kBlockRows}));
  Must(writer->WaitUntilConnected(kLong).status());
  const v1::TransitionBlock block = RandomRows(kBlockRows);
  const double start = Seconds();
  for (uint64_t sent = 0; sent < rows; sent += kBlockRows) {
    // A copy, as whoever appends has filled memory of its own.
    Must(writer->Append(block));
  }
  Must(writer->Flush(kLong));
  return static_cast<double>(rows) / (Seconds() - start);
}

double Sample(const std::string& address, double seconds) {
  const auto sampler = Must(client::ReplaySampler::Start({.shards = {address},
                                                          .table = "sim",
                                                          .schema = Cheetah(),
                                                          .batch_size = 256,
                                                          .credits = 32}));
  client::SampledBatch batch;
  Must(sampler->Next(batch, kLong));
  const double start = Seconds();
  uint64_t rows = 0;
  while (Seconds() - start < seconds) {
    Must(sampler->Next(batch, kLong));
    rows += batch.block.rows();
  }
  return static_cast<double>(rows) / (Seconds() - start);
}

// Bytes of rows a second, from the first block on.
double Follow(const std::string& address) {
  const auto follower = Must(
      client::ReplayFollower::Start({.shards = {address}, .table = "sim", .schema = Cheetah()}));
  double start = 0;
  uint64_t rows = 0;
  while (true) {
    const client::FollowedBlock block = Must(follower->Next(kLong));
    if (start == 0) {
      start = Seconds();
    } else {
      rows += block.block.rows();
    }
    if (block.caught_up) break;
  }
  return static_cast<double>(rows * Cheetah().row_bytes()) / (Seconds() - start);
}

int ServeBareStream(const std::string& address) {
  BareStreamService service(kMessageBytes);
  const auto server = Must(process::Server::Start({.addresses = {address}}, {&service}));
  pause();
  return 0;
}

int Measure(const std::string& self, const std::string& replay) {
  char folder[] = "/tmp/estuary-bench-XXXXXX";
  const std::string path = mkdtemp(folder);
  const std::string address = "unix:" + path + "/replay";
  const std::string bare_address = "unix:" + path + "/bare";
  Must(process::WriteFileAtomically(path + "/tables", Tables()));
  {
    const Child bare({self, "--bare_stream", bare_address});
    const Child server({replay, "--listen=" + address, "--data_dir=" + path + "/data",
                        "--table_config=" + path + "/tables", "--checkpoint_seconds=0"});
    std::vector<double> speeds;
    for (int i = 0; i < kPasses; ++i) speeds.push_back(Append(address, "sim", kTableRows));
    Report("append", Median(speeds), "rows/s", 2e6, "goal_of_2M_rows/s");
    speeds.clear();
    for (int i = 0; i < kPasses; ++i) speeds.push_back(Append(address, "real", kTableRows / 4));
    Report("append_durable", Median(speeds), "rows/s", 2e5, "goal_of_200k_rows/s");
    speeds.clear();
    for (int i = 0; i < kPasses; ++i) speeds.push_back(Sample(address, 1.0));
    Report("sample_256", Median(speeds), "rows/s", 5e6, "goal_of_5M_rows/s");
    speeds.clear();
    std::vector<double> ratios;
    for (int i = 0; i < kPasses; ++i) {
      const double bytes = static_cast<double>(kTableRows * Cheetah().row_bytes());
      const double limit = MeasureBareStream(bare_address, bytes, &Seconds);
      speeds.push_back(Follow(address));
      ratios.push_back(speeds.back() / limit);
    }
    const double ratio = Median(ratios);
    Report("follow", Median(speeds), "bytes/s", Median(speeds) / ratio, "bare_grpc_byte_stream");
  }
  std::filesystem::remove_all(path);
  return 0;
}

}  // namespace
}  // namespace estuary::benchmarks

int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "--bare_stream") {
    return estuary::benchmarks::ServeBareStream(argv[2]);
  }
  return estuary::benchmarks::Measure(argv[0],
                                      argc > 1 ? argv[1] : ESTUARY_BIN_DIR "/estuary-replay");
}
