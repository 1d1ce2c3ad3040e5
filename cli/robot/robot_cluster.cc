#include "cli/robot/robot_cluster.h"

#include <signal.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/data/schemas.h"
#include "common/experiment/experiment.h"
#include "common/process/files.h"
#include "common/process/status.h"
#include "common/process/textproto.h"
#include "estuary/v1/replay.pb.h"

namespace estuary::cli {
namespace {

constexpr uint64_t kCapacity = 10'000'000;
constexpr char kRobotName[] = "emulated";

Supervisor::Options OneLife() {
  Supervisor::Options options;
  options.deaths_in_a_row = 1;
  return options;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RobotCluster>> RobotCluster::Start(const Options& options) {
  ESTUARY_ASSIGN_OR_RETURN(auto scratch, ScratchFolder::Create());
  std::unique_ptr<RobotCluster> cluster(new RobotCluster(std::move(scratch)));
  ESTUARY_RETURN_IF_ERROR(cluster->Plan(options));
  ESTUARY_RETURN_IF_ERROR(cluster->supervisor_.StartAll());
  return cluster;
}

RobotCluster::RobotCluster(std::unique_ptr<ScratchFolder> scratch)
    : scratch_(std::move(scratch)),
      shard_(scratch_->Address("replay")),
      bridge_(scratch_->Address("bridge")),
      supervisor_(OneLife()) {}

RobotCluster::~RobotCluster() { Stop(); }

absl::Status RobotCluster::Plan(const Options& options) {
  v1::TableConfigs tables;
  v1::TableConfig& real = *tables.add_tables();
  real.set_name(experiment::kRealTable);
  *real.mutable_schema() = RobotSchema(options.task).proto();
  real.set_capacity(kCapacity);
  real.set_remover(v1::REMOVER_NONE);
  real.set_durability(v1::DURABILITY_DISK);
  const std::string config = scratch_->File("tables.textproto");
  ESTUARY_RETURN_IF_ERROR(process::WriteFileAtomically(config, process::ToTextProto(tables)));
  Add("replay", "estuary-replay",
      {absl::StrCat("--listen=", shard_), absl::StrCat("--table_config=", config),
       absl::StrCat("--data_dir=", scratch_->File("data"))},
      /*stage=*/0, /*may_finish=*/false);
  std::vector<std::string> bridge = {
      absl::StrCat("--listen=", bridge_), absl::StrCat("--replay=", shard_),
      absl::StrCat("--task=", options.task.name), absl::StrCat("--robot=", kRobotName),
      absl::StrCat("--spool_dir=", scratch_->File("spool"))};
  bridge.insert(bridge.end(), options.bridge_flags.begin(), options.bridge_flags.end());
  Add("bridge", "estuary-bridge", std::move(bridge), /*stage=*/1, /*may_finish=*/false);
  std::vector<std::string> robot = {absl::StrCat("--bridge=", bridge_),
                                    absl::StrCat("--task=", options.task.name),
                                    absl::StrCat("--robot=", kRobotName)};
  robot.insert(robot.end(), options.robot_flags.begin(), options.robot_flags.end());
  Add("robot", "estuary-robot", std::move(robot), /*stage=*/2, /*may_finish=*/true);
  return absl::OkStatus();
}

void RobotCluster::Add(const std::string& name, const std::string& binary,
                       std::vector<std::string> flags, int stage, bool may_finish) {
  flags.insert(flags.begin(), SiblingBinary(binary));
  supervisor_.Add({.name = name,
                   .argv = std::move(flags),
                   .restart_argv = nullptr,
                   .log_path = Log(name),
                   .may_finish = may_finish,
                   .stage = stage});
}

bool RobotCluster::EndRobot() {
  const pid_t robot = supervisor_.Pid("robot");
  if (robot == 0) return true;
  kill(-robot, SIGTERM);
  return false;
}

void RobotCluster::Stop() { supervisor_.Stop(); }

}  // namespace estuary::cli
