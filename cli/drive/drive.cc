#include "cli/drive/drive.h"

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
#include "common/process/status.h"

namespace estuary::cli {
namespace {

constexpr absl::Duration kToStart = absl::Seconds(30);
constexpr absl::Duration kToSettle = absl::Seconds(20);
// Beyond the drive's own seconds.
constexpr absl::Duration kSlack = absl::Seconds(20);
// So long others drive before the drive is over; longer than what counts as handed over, so that
// the record shows it.
constexpr double kAwaySeconds = 2 * kHandoverSeconds;

}  // namespace

absl::StatusOr<std::unique_ptr<Drive>> Drive::Start(DriveOptions options) {
  RobotCluster::Options cluster_options{
      .task = options.task,
      .bridge_flags = {absl::StrCat("--policy_file=", options.policy)},
      .robot_flags = {absl::StrCat("--seconds=", options.seconds),
                      absl::StrCat("--seed=", options.seed), "--stop_at_fall"}};
  ESTUARY_ASSIGN_OR_RETURN(auto cluster, RobotCluster::Start(cluster_options));
  return std::unique_ptr<Drive>(new Drive(std::move(options), std::move(cluster)));
}

Drive::Drive(DriveOptions options, std::unique_ptr<RobotCluster> cluster)
    : options_(std::move(options)),
      cluster_(std::move(cluster)),
      operator_(cluster_->bridge()),
      phase_since_(absl::Now()) {}

Drive::~Drive() { Stop(); }

absl::Status Drive::Poll() {
  if (done()) return absl::OkStatus();
  absl::Status status = cluster_->Poll();
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
        answer.ok() ? LogTail(cluster_->Log("robot"), 3) : std::string(answer.status().message())));
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
  if (cluster_->RobotFinished() || now - away_since_ > absl::Seconds(kAwaySeconds)) {
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
  return cluster_->EndRobot() ? Collect() : absl::OkStatus();
}

absl::StatusOr<RobotReport> Drive::ReadReport() const {
  std::ifstream log(cluster_->Log("robot"));
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
  ESTUARY_ASSIGN_OR_RETURN(
      const Recorded recorded,
      ReadRealTable({cluster_->shard()}, RobotSchema(options_.task), absl::Seconds(10)));
  data_ = MakeDriveData(recorded, report, status_, options_.seconds, options_.task.control_period);
  if (!options_.output.empty()) {
    ESTUARY_RETURN_IF_ERROR(WriteDriveFile(options_.output, options_.task.name, recorded, data_));
  }
  phase_ = Phase::kDone;
  Stop();
  return absl::OkStatus();
}

void Drive::Stop() { cluster_->Stop(); }

}  // namespace estuary::cli
