#include "common/process/main.h"

#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/process/log.h"
#include "common/process/process_context.h"
#include "common/process/shutdown.h"
#include "common/process/status.h"
#include "common/process/textproto.h"
#include "replay_server/replay_metric_families.h"
#include "replay_server/replay_server.h"

ABSL_FLAG(std::string, listen, "unix:/tmp/estuary-replay.sock",
          "Addresses to serve at, separated by commas: unix:/path or host:port");
ABSL_FLAG(std::string, table_config, "",
          "Text-format file of the shard's tables (message estuary.v1.TableConfigs)");
ABSL_FLAG(std::string, data_dir, "", "Folder for logs and checkpoints; made where it is not there");
ABSL_FLAG(std::string, metrics, "", "Address for Prometheus, 127.0.0.1:9101; empty: none");
ABSL_FLAG(double, checkpoint_seconds, 60,
          "Time between checkpoints of tables in memory; 0: only at the end");
ABSL_FLAG(uint64_t, memory_limit, 0,
          "Bytes that the tables may grow to; 0: nine tenths of the machine's or cgroup's memory");
ABSL_FLAG(bool, salvage, false, "Start with a damaged log, with the rows that can be read");

namespace estuary::replay {
namespace {

absl::Status Run(const std::vector<std::string>& /*arguments*/) {
  ReplayServer::Options options;
  if (absl::GetFlag(FLAGS_table_config).empty()) {
    return absl::InvalidArgumentError("no tables are given; say --table_config=FILE");
  }
  ESTUARY_RETURN_IF_ERROR(
      process::ReadTextProto(absl::GetFlag(FLAGS_table_config), &options.shard.tables));
  options.shard.data_dir = absl::GetFlag(FLAGS_data_dir);
  options.shard.memory_limit = absl::GetFlag(FLAGS_memory_limit);
  options.shard.salvage = absl::GetFlag(FLAGS_salvage);
  const double seconds = absl::GetFlag(FLAGS_checkpoint_seconds);
  options.shard.checkpoint_every = seconds > 0 ? absl::Seconds(seconds) : absl::InfiniteDuration();
  options.server.addresses =
      absl::StrSplit(absl::GetFlag(FLAGS_listen), ',', absl::SkipWhitespace());
  options.metrics_address = absl::GetFlag(FLAGS_metrics);
  ESTUARY_ASSIGN_OR_RETURN(const std::unique_ptr<ReplayServer> server,
                           ReplayServer::Start(options));
  process::SetName(server->shard().id(), "shard");
  spdlog::info("shard {} serves at {}", server->shard().id(),
               absl::StrJoin(server->addresses(), ", "));
  process::WaitForShutdown();
  spdlog::info("shutting down: finishing appends, writing checkpoints");
  return server->Stop();
}

}  // namespace
}  // namespace estuary::replay

int main(int argc, char** argv) {
  return estuary::process::Main(
      argc, argv,
      {.name = "estuary-replay",
       .about = "A replay shard: tables of transitions that many append to, and that learners "
                "follow or sample. Appends count once; what a durable table acknowledges is on the "
                "disk.",
       .part = "replay",
       .metrics = estuary::replay::kReplayMetricFamilies},
      &estuary::replay::Run);
}
