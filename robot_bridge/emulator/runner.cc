#include "robot_bridge/emulator/runner.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/process/log.h"
#include "common/process/shutdown.h"
#include "common/process/status.h"

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
  Runner(const RunnerOptions& options, RobotClient& client, std::unique_ptr<Plant> plant,
         const std::function<void(const std::string&)>& report)
      : options_(options),
        client_(client),
        emulator_(options.emulator, std::move(plant)),
        report_(report) {}

  absl::Status Run() {
    int64_t start = Now();
    next_word_ = start + 5 * kSecond;
    while (!process::ShutdownRequested()) {
      ESTUARY_RETURN_IF_ERROR(client_.status());
      SleepUntil(start + kPeriodNs);
      ReceivedCommand command;
      while (client_.NextCommand(command)) emulator_.Arrived(command);
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
      client_.SendObservation(observation);
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
    if (emulator_.driven() || !client_.connected()) {
      next_word_ = now + 5 * kSecond;
    } else if (now >= next_word_) {
      spdlog::info("held in its start pose, waiting for the bridge to turn the motors on");
      next_word_ += 5 * kSecond;
    }
  }

  const RunnerOptions& options_;
  RobotClient& client_;
  Emulator emulator_;
  const std::function<void(const std::string&)>& report_;
  int64_t missed_periods_ = 0;
  int64_t next_word_ = 0;
};

}  // namespace

absl::Status RunRobot(const RunnerOptions& options,
                      const std::function<void(const std::string& line)>& report) {
  absl::StatusOr<std::unique_ptr<Plant>> plant = Plant::Make(options.task);
  if (!plant.ok()) return plant.status();
  RobotClient::Options client_options;
  client_options.bridge = options.bridge;
  client_options.identity = (*plant)->identity();
  client_options.identity.robot = options.robot;
  client_options.realtime = options.realtime;
  // Before the client, whose threads and gRPC's inherit it.
  RealtimeGrants grants;
  MakeThisThreadRealtime(options.realtime, grants);
  RobotClient client(client_options);
  for (const std::string& refused : grants.refused) spdlog::warn("{}", refused);
  Runner runner(options, client, *std::move(plant), report);
  const absl::Status status = runner.Run();
  client.Stop();
  return status;
}

}  // namespace estuary::bridge
