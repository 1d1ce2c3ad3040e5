// What the replay's benchmarks share: servers as processes, HalfCheetah transitions (174 bytes),
// one client that appends or samples.
#pragma once

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "common/client/replay_sampler.h"
#include "common/client/replay_writer.h"
#include "common/process/files.h"
#include "common/transition/block.h"
#include "estuary/v1/replay.pb.h"

extern char** environ;

namespace estuary::benchmarks {

inline constexpr uint32_t kBlockRows = 1024;
inline constexpr absl::Duration kLong = absl::Seconds(60);

inline double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

inline double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

[[noreturn]] inline void Fail(const absl::Status& status) {
  std::fprintf(stderr, "replay_benchmark: %s\n", std::string(status.message()).c_str());
  std::exit(1);
}

template <class T>
T Must(absl::StatusOr<T> value) {
  if (!value.ok()) Fail(value.status());
  return *std::move(value);
}

inline void Must(const absl::Status& status) {
  if (!status.ok()) Fail(status);
}

// Processor time that a process ("self") has used.
inline double CpuSecondsOf(const std::string& process) {
  const std::string text = Must(process::ReadFile("/proc/" + process + "/stat"));
  // Fields 14 and 15, counted from behind the name, which may hold anything.
  const std::vector<std::string> fields =
      absl::StrSplit(text.substr(text.rfind(')') + 2), ' ', absl::SkipEmpty());
  return (std::stod(fields.at(11)) + std::stod(fields.at(12))) /
         static_cast<double>(sysconf(_SC_CLK_TCK));
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
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Processor time that it has used.
  double CpuSeconds() const { return CpuSecondsOf(std::to_string(pid_)); }

 private:
  pid_t pid_ = -1;
};

inline transition::Schema Cheetah() {
  return transition::Schema::Standard("half_cheetah", 17, 6, 50'000);
}

inline v1::TransitionBlock RandomRows(uint32_t rows) {
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

// A ring in memory.
inline v1::TableConfig RingTable(const std::string& name, uint64_t rows) {
  v1::TableConfig config;
  config.set_name(name);
  *config.mutable_schema() = Cheetah().proto();
  config.set_capacity(rows);
  config.set_remover(v1::REMOVER_FIFO);
  config.set_durability(v1::DURABILITY_MEMORY);
  return config;
}

inline void Report(const std::string& name, double value, const std::string& unit, double against,
                   const std::string& what) {
  std::printf("BENCH %s %.0f %s ratio=%.3f against=%s\n", name.c_str(), value, unit.c_str(),
              value / against, what.c_str());
  std::fflush(stdout);
}

// Rows a second, until all are acknowledged.
inline double Append(const std::string& address, const std::string& table, uint64_t rows) {
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

// Rows a second in batches of 256 out of a table, for so long.
inline double Sample(const std::string& address, const std::string& table, double seconds) {
  const auto sampler = Must(client::ReplaySampler::Start({.shards = {address},
                                                          .table = table,
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

}  // namespace estuary::benchmarks
