#include "cli/drive/drive.h"

#include <signal.h>

#include <algorithm>
#include <fstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "cli/data/recorded.h"
#include "cli/data/schemas.h"
#include "cli/drive/drive_file.h"
#include "common/experiment/experiment.h"
#include "common/process/files.h"
#include "common/process/status.h"
#include "common/process/textproto.h"
#include "estuary/v1/replay.pb.h"

namespace estuary::cli {
namespace {

constexpr absl::Duration kToStart = absl::Seconds(30);
constexpr absl::Duration kToSettle = absl::Seconds(20);
// Beyond the drive's own seconds.
constexpr absl::Duration kSlack = absl::Seconds(20);
// So long others drive before the drive is over; longer than what counts as handed over, so that
// the record shows it.
constexpr double kAwaySeconds = 2 * kHandoverSeconds;
constexpr uint64_t kCapacity = 10'000'000;
constexpr char kRobotName[] = "emulated";

Supervisor::Options OneLife() {
  // A robot's processes are not started again behind its back.
  Supervisor::Options options;
  options.deaths_in_a_row = 1;
  return options;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Drive>> Drive::Start(DriveOptions options) {
  ESTUARY_ASSIGN_OR_RETURN(auto scratch, ScratchFolder::Create());
  std::unique_ptr<Drive> drive(new Drive(std::move(options), std::move(scratch)));
  ESTUARY_RETURN_IF_ERROR(drive->Plan());
  ESTUARY_RETURN_IF_ERROR(drive->supervisor_.StartAll());
  return drive;
}

Drive::Drive(DriveOptions options, std::unique_ptr<ScratchFolder> scratch)
    : options_(std::move(options)),
      scratch_(std::move(scratch)),
      shard_(scratch_->Address("replay")),
      bridge_(scratch_->Address("bridge")),
      supervisor_(OneLife()),
      operator_(bridge_),
      phase_since_(absl::Now()) {}

Drive::~Drive() { Stop(); }

absl::Status Drive::Plan() {
  v1::TableConfigs tables;
  v1::TableConfig& real = *tables.add_tables();
  real.set_name(experiment::kRealTable);
  *real.mutable_schema() = RobotSchema(options_.task).proto();
  real.set_capacity(kCapacity);
  real.set_remover(v1::REMOVER_NONE);
  real.set_durability(v1::DURABILITY_DISK);
  const std::string config = scratch_->File("tables.textproto");
  ESTUARY_RETURN_IF_ERROR(process::WriteFileAtomically(config, process::ToTextProto(tables)));
  Add("replay", "estuary-replay",
      {absl::StrCat("--listen=", shard_), absl::StrCat("--table_config=", config),
       absl::StrCat("--data_dir=", scratch_->File("data"))},
      /*stage=*/0, /*may_finish=*/false);
  Add("bridge", "estuary-bridge",
      {absl::StrCat("--listen=", bridge_), absl::StrCat("--replay=", shard_),
       absl::StrCat("--task=", options_.task.name), absl::StrCat("--robot=", kRobotName),
       absl::StrCat("--policy_file=", options_.policy),
       absl::StrCat("--spool_dir=", scratch_->File("spool"))},
      /*stage=*/1, /*may_finish=*/false);
  Add("robot", "estuary-robot",
      {absl::StrCat("--bridge=", bridge_), absl::StrCat("--task=", options_.task.name),
       absl::StrCat("--robot=", kRobotName), absl::StrCat("--seconds=", options_.seconds),
       absl::StrCat("--seed=", options_.seed), "--stop_at_fall"},
      /*stage=*/2, /*may_finish=*/true);
  return absl::OkStatus();
}

void Drive::Add(const std::string& name, const std::string& binary,
                const std::vector<std::string>& flags, int stage, bool may_finish) {
  ChildSpec spec{.name = name,
                 .argv = {SiblingBinary(binary)},
                 .restart_argv = nullptr,
                 .log_path = scratch_->File(name + ".log"),
                 .may_finish = may_finish,
                 .stage = stage};
  spec.argv.insert(spec.argv.end(), flags.begin(), flags.end());
  supervisor_.Add(std::move(spec));
}

absl::Status Drive::Poll() {
  if (done()) return absl::OkStatus();
  absl::Status status = supervisor_.Poll();
  if (status.ok()) {
    switch (phase_) {
      case Phase::kStarting:
        status = Begin();
        break;
      case Phase::kDriving:
        status = Watch();
        break;
      case Phase::kSettling:
        status = Settle();
        break;
      case Phase::kDone:
        break;
    }
  }
  if (!status.ok()) Stop();
  return status;
}

absl::Status Drive::Begin() {
  const absl::StatusOr<v1::RobotStatus> answer = operator_.Status();
  if (!answer.ok() || !answer->robot_connected()) {
    if (absl::Now() - phase_since_ < kToStart) return absl::OkStatus();
    return absl::DeadlineExceededError(absl::StrCat(
        "the robot did not connect to its bridge within ", absl::FormatDuration(kToStart), "; ",
        answer.ok() ? LogTail(scratch_->File("robot.log"), 3)
                    : std::string(answer.status().message())));
  }
  // The emulated robot is held in its pose until the motors come on, so the policy has it from the
  // first moment on.
  ESTUARY_RETURN_IF_ERROR(operator_.Arm().status());
  ESTUARY_ASSIGN_OR_RETURN(status_, operator_.SetMode(v1::ROBOT_STATE_POLICY));
  phase_ = Phase::kDriving;
  phase_since_ = absl::Now();
  return absl::OkStatus();
}

absl::Status Drive::Watch() {
  const absl::Time now = absl::Now();
  if (supervisor_.Finished("robot") || now - away_since_ > absl::Seconds(kAwaySeconds)) {
    phase_ = Phase::kSettling;
    phase_since_ = now;
    return absl::OkStatus();
  }
  ESTUARY_ASSIGN_OR_RETURN(status_, operator_.Status());
  if (status_.state() == v1::ROBOT_STATE_POLICY) {
    away_since_ = absl::InfiniteFuture();
  } else {
    away_since_ = std::min(away_since_, now);
  }
  if (now - phase_since_ > absl::Seconds(options_.seconds) + kSlack) {
    return absl::DeadlineExceededError(absl::StrFormat(
        "the robot is still not done %.0f s after a drive of %.0f s began; its bridge says: %s",
        absl::ToDoubleSeconds(now - phase_since_), options_.seconds, status_.reason()));
  }
  return absl::OkStatus();
}

// Waits until everything that was recorded is in the shard.
absl::Status Drive::Settle() {
  ESTUARY_ASSIGN_OR_RETURN(status_, operator_.Status());
  if (status_.transitions_acknowledged() < status_.transitions_recorded()) {
    if (absl::Now() - phase_since_ < kToSettle) return absl::OkStatus();
    return absl::DeadlineExceededError(absl::StrCat("of ", status_.transitions_recorded(),
                                                    " transitions the shard has only ",
                                                    status_.transitions_acknowledged()));
  }
  // A robot that was taken from its policy still runs.
  if (const pid_t robot = supervisor_.Pid("robot"); robot != 0) {
    kill(-robot, SIGTERM);
    return absl::OkStatus();
  }
  return Collect();
}

absl::StatusOr<RobotReport> Drive::ReadReport() const {
  std::ifstream log(scratch_->File("robot.log"));
  std::string line;
  absl::StatusOr<RobotReport> report =
      absl::NotFoundError("the robot ended without a report of its episode");
  while (std::getline(log, line)) {
    if (absl::StartsWith(line, "episode=")) return ParseRobotReport(line);
  }
  return report;
}

absl::Status Drive::Collect() {
  ESTUARY_ASSIGN_OR_RETURN(const RobotReport report, ReadReport());
  ESTUARY_ASSIGN_OR_RETURN(const Recorded recorded,
                           ReadRealTable({shard_}, RobotSchema(options_.task), absl::Seconds(10)));
  data_ = MakeDriveData(recorded, report, status_, options_.seconds, options_.task.control_period);
  if (!options_.output.empty()) {
    ESTUARY_RETURN_IF_ERROR(WriteDriveFile(options_.output, options_.task.name, recorded, data_));
  }
  phase_ = Phase::kDone;
  Stop();
  return absl::OkStatus();
}

void Drive::Stop() { supervisor_.Stop(); }

}  // namespace estuary::cli
