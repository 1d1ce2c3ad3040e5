// How the replay's costs grow: with the rows a table holds, and with shards.
//
//   replay_scaling_benchmark [replay binary]
//
// BENCH append_N_rows, sample_N_rows, sample_prioritized_N_rows
//     rows/s with a full table of N rows, from 10^4 to 10^7; the ratio is to 10^4
// BENCH shards_sample_N, shards_append_N
//     rows/s of N clients of a shard each, all in one process, and
// BENCH shards_cpu_sample_N, shards_cpu_append_N
//     rows for each second of processor time that clients and shards use: where that stays, more
//     cores give as much more; the ratio is to one shard
//
// Sizes and numbers of shards take turns, pass by pass, so that a machine that others use too
// treats them alike; each figure is the median of the passes.

#include <unistd.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/process/files.h"
#include "common/process/textproto.h"
#include "tests/benchmarks/replay_harness.h"

namespace estuary::benchmarks {
namespace {

constexpr int kPasses = 5;
constexpr uint64_t kSizes[] = {10'000, 100'000, 1'000'000, 10'000'000};
constexpr int kMostShards = 4;
constexpr uint64_t kShardRows = 200'000;
constexpr uint64_t kAppendedRows = 1'000'000;
constexpr double kSampleSeconds = 0.7;

std::string Name(const std::string& kind, uint64_t rows) {
  return kind + "_" + std::to_string(rows);
}

std::unique_ptr<Child> Serve(const std::string& replay, const std::string& folder,
                             const std::string& name, const v1::TableConfigs& tables) {
  const std::string config = folder + "/" + name + ".tables";
  Must(process::WriteFileAtomically(config, process::ToTextProto(tables)));
  return std::make_unique<Child>(std::vector<std::string>{
      replay, "--listen=unix:" + folder + "/" + name, "--data_dir=" + folder + "/" + name + ".data",
      "--table_config=" + config, "--checkpoint_seconds=0"});
}

// Medians by name, in the order in which the names first came.
class Figures {
 public:
  void Add(const std::string& name, double value) {
    if (values_[name].empty()) order_.push_back(name);
    values_[name].push_back(value);
  }
  // Those that begin with `prefix`, against the first of them.
  void Print(const std::string& prefix, const std::string& unit) const {
    std::string first;
    for (const std::string& name : order_) {
      if (name.rfind(prefix, 0) != 0) continue;
      if (first.empty()) first = name;
      Report(name, Median(values_.at(name)), unit, Median(values_.at(first)), first);
    }
  }

 private:
  std::vector<std::string> order_;
  std::map<std::string, std::vector<double>> values_;
};

void MeasureSizes(const std::string& replay, const std::string& folder) {
  v1::TableConfigs tables;
  for (const uint64_t rows : kSizes) {
    *tables.add_tables() = RingTable(Name("uniform", rows), rows);
    v1::TableConfig& prioritized = *tables.add_tables();
    prioritized = RingTable(Name("prioritized", rows), rows);
    prioritized.set_selector(v1::SELECTOR_PRIORITIZED);
    prioritized.set_priority_exponent(0.6);
  }
  const std::string address = "unix:" + folder + "/sizes";
  const auto server = Serve(replay, folder, "sizes", tables);
  for (const v1::TableConfig& table : tables.tables()) {
    Append(address, table.name(), table.capacity());
  }
  Figures figures;
  for (int pass = 0; pass < kPasses; ++pass) {
    for (const uint64_t rows : kSizes) {
      const std::string size = std::to_string(rows) + "_rows";
      figures.Add("append_" + size, Append(address, Name("uniform", rows), kAppendedRows));
      figures.Add("sample_" + size, Sample(address, Name("uniform", rows), kSampleSeconds));
      figures.Add("sample_prioritized_" + size,
                  Sample(address, Name("prioritized", rows), kSampleSeconds));
    }
  }
  figures.Print("append_", "rows/s");
  figures.Print("sample_1", "rows/s");
  figures.Print("sample_prioritized_", "rows/s");
}

// Runs `work` with each of the first `shards` shards at once; gives rows a second of all together,
// and rows a second of processor time.
std::pair<double, double> Together(int shards, const std::vector<std::unique_ptr<Child>>& servers,
                                   const std::function<double(int shard)>& work, double rows) {
  const auto cpu = [&] {
    double seconds = CpuSecondsOf("self");
    for (int i = 0; i < shards; ++i) seconds += servers[i]->CpuSeconds();
    return seconds;
  };
  std::vector<std::thread> threads;
  std::vector<double> done(shards, 0);
  const double cpu_before = cpu();
  const double start = Seconds();
  for (int i = 0; i < shards; ++i) {
    threads.emplace_back([&, i] { done[i] = work(i); });
  }
  for (std::thread& thread : threads) thread.join();
  const double seconds = Seconds() - start;
  const double cpu_seconds = cpu() - cpu_before;
  double total = 0;
  // Work that is for a time gives rates, work that is for rows is all of them.
  for (const double rate : done) total += rows > 0 ? rows : rate * seconds;
  return {total / seconds, total / cpu_seconds};
}

void MeasureShards(const std::string& replay, const std::string& folder) {
  std::vector<std::unique_ptr<Child>> servers;
  std::vector<std::string> addresses;
  v1::TableConfigs tables;
  *tables.add_tables() = RingTable("sim", kShardRows);
  for (int i = 0; i < kMostShards; ++i) {
    const std::string name = "shard" + std::to_string(i);
    addresses.push_back("unix:" + folder + "/" + name);
    servers.push_back(Serve(replay, folder, name, tables));
    Append(addresses.back(), "sim", kShardRows);
  }
  Figures figures;
  for (int pass = 0; pass < kPasses; ++pass) {
    for (int shards = 1; shards <= kMostShards; ++shards) {
      const std::string number = std::to_string(shards);
      const auto sampled = Together(
          shards, servers, [&](int i) { return Sample(addresses[i], "sim", kSampleSeconds); }, 0);
      figures.Add("shards_sample_" + number, sampled.first);
      figures.Add("shards_cpu_sample_" + number, sampled.second);
      const auto appended = Together(
          shards, servers, [&](int i) { return Append(addresses[i], "sim", kAppendedRows); },
          kAppendedRows);
      figures.Add("shards_append_" + number, appended.first);
      figures.Add("shards_cpu_append_" + number, appended.second);
    }
  }
  figures.Print("shards_sample_", "rows/s");
  figures.Print("shards_cpu_sample_", "rows/cpu_s");
  figures.Print("shards_append_", "rows/s");
  figures.Print("shards_cpu_append_", "rows/cpu_s");
}

int Measure(const std::string& replay) {
  char name[] = "/tmp/estuary-bench-XXXXXX";
  const std::string folder = mkdtemp(name);
  MeasureSizes(replay, folder);
  MeasureShards(replay, folder);
  std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace estuary::benchmarks

int main(int argc, char** argv) {
  return estuary::benchmarks::Measure(argc > 1 ? argv[1] : ESTUARY_BIN_DIR "/estuary-replay");
}
