// The replay server as a process, and this process as its one client, over a Unix socket, with
// HalfCheetah transitions (174 bytes).
//
//   replay_benchmark [replay binary] [--reverb_python=PYTHON]
//
// BENCH append          rows/s into a table in memory, acknowledged
// BENCH append_durable  rows/s into a durable table, acknowledged after fdatasync
// BENCH sample_256      rows/s in batches of 256 independent rows out of a million
// BENCH sample_prioritized_256  the same by priorities
// BENCH follow          bytes/s of rows, against a bare gRPC byte stream in the same run
// With a Python that has dm-reverb (reverb_peer.py), pass by pass in turn with it:
// BENCH append_against_reverb_single, append_against_reverb_chunked, sample_256_against_reverb
//
// Each figure is the median of several passes; those of follow alternate with the bare stream's.
// Where no peer runs beside, the ratio is to the goal.

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/client/replay_follower.h"
#include "common/process/files.h"
#include "common/process/textproto.h"
#include "tests/benchmarks/bare_stream.h"
#include "tests/benchmarks/replay_harness.h"
#include "tests/benchmarks/reverb_peer.h"

namespace estuary::benchmarks {
namespace {

constexpr uint64_t kTableRows = 1'000'000;
constexpr int kPasses = 5;
constexpr size_t kMessageBytes = 256 << 10;

std::string Tables() {
  v1::TableConfigs configs;
  *configs.add_tables() = RingTable("sim", kTableRows);
  v1::TableConfig& prioritized = *configs.add_tables();
  prioritized = RingTable("prioritized", kTableRows);
  prioritized.set_selector(v1::SELECTOR_PRIORITIZED);
  prioritized.set_priority_exponent(0.6);
  v1::TableConfig& real = *configs.add_tables();
  real = RingTable("real", 10 * kTableRows);
  real.set_remover(v1::REMOVER_NONE);
  real.set_durability(v1::DURABILITY_DISK);
  return process::ToTextProto(configs);
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

// Ours and the peer's case in turn; reports ours against it.
template <class Ours>
void Against(ReverbPeer& peer, const std::string& name, const std::string& theirs,
             const Ours& ours) {
  std::vector<double> speeds;
  std::vector<double> peers;
  for (int i = 0; i < kPasses; ++i) {
    speeds.push_back(ours());
    peers.push_back(peer.Run(theirs, 2.0));
  }
  Report(name, Median(speeds), "rows/s", Median(peers), "dm_reverb_0.14.0_" + theirs);
}

int Measure(const std::string& self, const std::string& replay, const std::string& reverb_python) {
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
    for (int i = 0; i < kPasses; ++i) speeds.push_back(Sample(address, "sim", 1.0));
    Report("sample_256", Median(speeds), "rows/s", 5e6, "goal_of_5M_rows/s");
    const double uniform = Median(speeds);
    speeds.clear();
    Append(address, "prioritized", kTableRows);
    for (int i = 0; i < kPasses; ++i) speeds.push_back(Sample(address, "prioritized", 1.0));
    Report("sample_prioritized_256", Median(speeds), "rows/s", uniform, "sample_256");
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
    const auto peer = reverb_python.empty() ? nullptr : ReverbPeer::Start(reverb_python);
    if (peer != nullptr) {
      const auto append = [&] { return Append(address, "sim", kTableRows); };
      Against(*peer, "append_against_reverb_single", "append_single", append);
      Against(*peer, "append_against_reverb_chunked", "append_chunked", append);
      Against(*peer, "sample_256_against_reverb", "sample",
              [&] { return Sample(address, "sim", 1.0); });
    }
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
  std::string replay = ESTUARY_BIN_DIR "/estuary-replay";
  std::string reverb_python;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const std::string flag = "--reverb_python=";
    if (argument.rfind(flag, 0) == 0) {
      reverb_python = argument.substr(flag.size());
    } else {
      replay = argument;
    }
  }
  return estuary::benchmarks::Measure(argv[0], replay, reverb_python);
}
