#include "robot_bridge/emulator/runner.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/process/log.h"
#include "common/process/server.h"
#include "common/process/shutdown.h"
#include "common/process/status.h"
#include "robot_bridge/client/connect.h"
#include "robot_bridge/emulator/faults/fault_plan.h"
#include "robot_bridge/emulator/faults/fault_service.h"
#include "robot_bridge/emulator/faults/faulty_link.h"
#include "robot_bridge/emulator/faults/faulty_wire.h"

namespace estuary::bridge {
namespace {

constexpr int64_t kPeriodNs = Emulator::kPeriodNs;

const char* Words(EpisodeEnd end) {
  switch (end) {
    case EpisodeEnd::kFallen:
      return "fallen";
    case EpisodeEnd::kLeftArea:
      return "left_area";
    case EpisodeEnd::kTime:
      return "time";
    case EpisodeEnd::kNone:
      return "stopped";
  }
  return "?";
}

std::string Line(int64_t number, const EpisodeSummary& episode, int64_t missed_periods) {
  const double mean_ms = episode.commands == 0
                             ? 0
                             : 1e-6 * static_cast<double>(episode.lateness_sum_ns) /
                                   static_cast<double>(episode.commands);
  return absl::StrFormat(
      "episode=%d end=%s survival_s=%.3f return=%.1f max_abs_x=%.4f final_x=%.4f "
      "mean_lateness_ms=%.3f max_lateness_ms=%.3f split_periods=%d unpowered_periods=%d "
      "missed_periods=%d",
      number, Words(episode.end), 1e-9 * static_cast<double>(episode.periods * kPeriodNs),
      episode.episode_return, episode.max_abs_x, episode.final_x, mean_ms,
      1e-6 * static_cast<double>(episode.lateness_max_ns), episode.split_periods,
      episode.unpowered_periods, missed_periods);
}

class Runner {
 public:
  Runner(const RunnerOptions& options, RobotLink& link, FaultPlan& plan,
         std::unique_ptr<Plant> plant, const std::function<void(const std::string&)>& report)
      : options_(options),
        link_(link),
        plan_(plan),
        emulator_(options.emulator, std::move(plant)),
        report_(report) {}

  absl::Status Run() {
    int64_t start = Now();
    next_word_ = start + 5 * kSecond;
    while (!process::ShutdownRequested()) {
      if (const std::string refused = link_.refused(); !refused.empty()) {
        return absl::FailedPreconditionError(refused);
      }
      SleepUntil(start + kPeriodNs);
      ReceivedCommand command;
      while (link_.NextCommand(command)) emulator_.Arrived(command);
      if (plan_.Happens(v1::FAULT_KIND_FALL)) emulator_.Push();
      const int64_t ended_before = emulator_.episodes_ended();
      Observation observation = emulator_.EndPeriod(start);
      start += kPeriodNs;
      // Where we are late by whole periods, the robot has moved on without being asked: those
      // periods' observations are lost.
      while (Now() - start >= kPeriodNs && emulator_.episodes_ended() == ended_before) {
        const bool episode_start = observation.episode_start;
        observation = emulator_.EndPeriod(start);
        observation.episode_start = observation.episode_start || episode_start;
        start += kPeriodNs;
        ++missed_periods_;
      }
      link_.SendObservation(observation);
      if (emulator_.episodes_ended() != ended_before && EpisodeOver()) return absl::OkStatus();
      Wait(start);
    }
    if (emulator_.driven())
      report_(Line(emulator_.episodes_ended() + 1, emulator_.episode(), missed_periods_));
    return absl::OkStatus();
  }

 private:
  // True where it was the last one.
  bool EpisodeOver() {
    report_(Line(emulator_.episodes_ended(), emulator_.episode(), missed_periods_));
    missed_periods_ = 0;
    return emulator_.episodes_ended() >= options_.episodes ||
           (options_.stop_at_fall && emulator_.episode().end != EpisodeEnd::kTime);
  }

  void Wait(int64_t now) {
    if (emulator_.driven() || !link_.connected()) {
      next_word_ = now + 5 * kSecond;
    } else if (now >= next_word_) {
      spdlog::info("held in its start pose, waiting for the bridge to turn the motors on");
      next_word_ += 5 * kSecond;
    }
  }

  const RunnerOptions& options_;
  RobotLink& link_;
  FaultPlan& plan_;
  Emulator emulator_;
  const std::function<void(const std::string&)>& report_;
  int64_t missed_periods_ = 0;
  int64_t next_word_ = 0;
};

}  // namespace

absl::Status RunRobot(const RunnerOptions& options,
                      const std::function<void(const std::string& line)>& report) {
  absl::StatusOr<std::unique_ptr<Plant>> plant = Plant::Make(options.task, options.sensors);
  if (!plant.ok()) return plant.status();
  FaultPlan plan(options.emulator.seed);
  ESTUARY_RETURN_IF_ERROR(plan.Inject(options.faults));
  // Before what has threads, which inherit it, gRPC's included.
  RealtimeGrants grants;
  MakeThisThreadRealtime(options.realtime, grants);
  for (const std::string& refused : grants.refused) spdlog::warn("{}", refused);
  FaultService service(&plan);
  std::unique_ptr<process::Server> control;
  if (!options.control.empty()) {
    process::Server::Options server_options;
    server_options.addresses = {options.control};
    ESTUARY_ASSIGN_OR_RETURN(control, process::Server::Start(server_options, {&service}));
    spdlog::info("faults are told at {}", control->addresses().front());
  }
  RobotIdentity identity = (*plant)->identity();
  identity.robot = options.robot;
  ConnectOptions connect;
  connect.realtime = options.realtime;
  connect.word = [](const std::string& what) { spdlog::info("{}", what); };
  bool wrapped = false;
  connect.wrap = [&](std::unique_ptr<Wire> wire) -> std::unique_ptr<Wire> {
    wrapped = true;
    return std::make_unique<FaultyWire>(std::move(wire), &plan);
  };
  std::string error;
  std::unique_ptr<RobotLink> link = ConnectRobot(options.bridge, identity, connect, error);
  if (link == nullptr) return absl::UnavailableError(error);
  FaultyLink faulty(std::move(link), &plan, /*corrupts=*/!wrapped);
  Runner runner(options, faulty, plan, *std::move(plant), report);
  const absl::Status status = runner.Run();
  faulty.Stop();
  if (control != nullptr) control->Drain(absl::ZeroDuration());
  return status;
}

}  // namespace estuary::bridge
