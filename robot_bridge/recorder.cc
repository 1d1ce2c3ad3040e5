#include "robot_bridge/recorder.h"

#include <limits>
#include <optional>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/process/log.h"
#include "robot_bridge/flight_recorder.h"
#include "robot_bridge/late_ticks.h"
#include "robot_bridge/loop/clock.h"
#include "robot_bridge/loop/realtime.h"
#include "robot_bridge/loop_metrics.h"
#include "robot_bridge/stop_signal.h"

namespace estuary::bridge {
namespace {

constexpr int64_t kRound = 10 * kMillisecond;
constexpr int64_t kSyncEvery = 100 * kMillisecond;
constexpr int64_t kFoldEvery = 500 * kMillisecond;
constexpr int64_t kSameWordEvery = 10 * kSecond;
constexpr size_t kRowsAtOnce = 256;
// A full spool takes rows again once so much of it is free, so that what was lost is one piece.
constexpr double kOpenAgainBelow = 0.75;

template <typename T>
void AppendBytes(const T* values, int count, std::string& rows) {
  rows.append(reinterpret_cast<const char*>(values), sizeof(T) * count);
}

}  // namespace

void AppendRow(const LoopTask& task, const Transition& transition, std::string& rows) {
  AppendBytes(transition.observation.data(), task.observation_dim, rows);
  AppendBytes(transition.action.data(), task.action_dim, rows);
  AppendBytes(&transition.reward, 1, rows);
  AppendBytes(transition.next_observation.data(), task.observation_dim, rows);
  const auto flags =
      static_cast<uint8_t>((transition.terminal ? v1::TRANSITION_FLAG_TERMINAL : 0) |
                           (transition.truncated ? v1::TRANSITION_FLAG_TRUNCATED : 0));
  AppendBytes(&flags, 1, rows);
  const auto source = static_cast<uint8_t>(transition.source);
  AppendBytes(&source, 1, rows);
  AppendBytes(&transition.policy_version, 1, rows);
  AppendBytes(&transition.episode, 1, rows);
  AppendBytes(transition.policy_action.data(), task.action_dim, rows);
  AppendBytes(&transition.action_latency_us, 1, rows);
}

class Recorder::Impl {
 public:
  explicit Impl(const Parts& parts)
      : parts_(parts),
        metrics_(parts.robot, parts.task, *parts.telemetry, *parts.metrics),
        flight_({.directory = parts.flight_dir,
                 .robot = parts.robot,
                 .observation_dim = parts.task.loop.task.observation_dim,
                 .action_dim = parts.task.loop.task.action_dim}) {
    thread_ = std::thread([this] { Work(); });
  }
  ~Impl() { Stop(); }

  void Stop() {
    if (stop_.Request()) thread_.join();
  }

 private:
  void Work() {
    MakeThisThreadOrdinary();
    for (bool last = false; !last;) {
      last = stop_.WaitFor(kRound);
      LogChanges();
      ExplainLateTicks();
      SpoolTransitions();
      const int64_t now = Now();
      KeepFlight(last ? std::numeric_limits<int64_t>::max() : now);
      if (parts_.spool != nullptr && (last || now - last_sync_ >= kSyncEvery)) {
        last_sync_ = now;
        Complain(parts_.spool->Sync());
        WarnOfPressure();
      }
      if (last || now - last_fold_ >= kFoldEvery) {
        last_fold_ = now;
        metrics_.Fold(parts_.board->Newest(), parts_.driver->link());
        if (parts_.spool != nullptr) metrics_.FoldSpool(*parts_.spool, rows_lost_);
      }
    }
  }

  void LogChanges() {
    StateChange change;
    while (parts_.telemetry->changes.Pop(change)) {
      const auto level = TorqueOn(change.to) ? spdlog::level::info : spdlog::level::warn;
      spdlog::log(level, "robot '{}': {} -> {} at tick {}: {} ({})", parts_.robot,
                  Name(change.from), Name(change.to), change.tick, Words(change.event),
                  Code(change.event));
      metrics_.CountChange(change);
      parts_.board->AddChange(change);
      if (IsFault(change)) flight_.Fault(change);
    }
  }

  void ExplainLateTicks() {
    judge_.Sample(Now());
    LateTick tick;
    while (parts_.telemetry->late.Pop(tick)) {
      const LateCause cause = judge_.Judge(tick);
      metrics_.CountLateTick(cause);
      parts_.board->AddLateTick(cause);
      const int64_t now = Now();
      if (now - last_late_word_ < kSameWordEvery && last_late_word_ != 0) continue;
      last_late_word_ = now;
      spdlog::warn("a tick woke {:.2f} ms late ({}); {} so far",
                   1e-6 * static_cast<double>(tick.lateness_ns), Name(cause),
                   parts_.telemetry->counters.late_ticks.Get());
    }
  }

  void KeepFlight(int64_t now) {
    TickRecord tick;
    while (parts_.telemetry->ticks.Pop(tick)) flight_.Add(tick);
    const absl::StatusOr<std::optional<std::string>> path = flight_.WriteIfDue(now);
    if (!path.ok()) {
      spdlog::error("the flight before a fault is not kept: {}",
                    std::string(path.status().message()));
    } else if (path->has_value()) {
      spdlog::warn("the last seconds before the fault are in '{}'", **path);
    }
  }

  void SpoolTransitions() {
    Transition transition;
    for (;;) {
      batch_.clear();
      while (batch_.size() < kRowsAtOnce && parts_.telemetry->transitions.Pop(transition)) {
        batch_.push_back(transition);
      }
      if (batch_.empty()) return;
      if (parts_.spool == nullptr) continue;
      const absl::Status status = Store();
      if (!status.ok()) parts_.board->SetRowsLost(rows_lost_ += batch_.size());
      Complain(status);
    }
  }

  absl::Status Store() {
    Spool& spool = *parts_.spool;
    if (closed_) {
      if (spool.used() >= kOpenAgainBelow) {
        return absl::ResourceExhaustedError(
            absl::StrCat("the spool is full: ", spool.next() - spool.acknowledged(),
                         " rows wait for the replay; is it running?"));
      }
      closed_ = false;
      ++episode_shift_;
    }
    // Where another batch might not fit, this one is the last, and says so.
    closed_ = spool.room() < 2 * kRowsAtOnce;
    if (closed_) batch_.back().truncated = !batch_.back().terminal;
    rows_.clear();
    for (Transition& transition : batch_) {
      transition.episode += episode_shift_;
      AppendRow(parts_.task.loop.task, transition, rows_);
    }
    const absl::Status status = spool.Append(rows_.data(), batch_.size(), batch_.back().episode);
    closed_ = closed_ || !status.ok();
    return status;
  }

  void Complain(const absl::Status& status) {
    if (status.ok()) return;
    const int64_t now = Now();
    if (now - last_complaint_ < kSameWordEvery && last_complaint_ != 0) return;
    last_complaint_ = now;
    spdlog::error("real transitions are being lost ({} so far): {}", rows_lost_,
                  std::string(status.message()));
  }

  // Long before it is full, and again at each further step.
  void WarnOfPressure() {
    const double used = parts_.spool->used();
    const int level = used >= 0.95 ? 3 : used >= 0.8 ? 2 : used >= 0.5 ? 1 : 0;
    if (level > pressure_) {
      spdlog::warn(
          "the spool is {:.0f} % full: {} rows wait for the replay, the oldest for {:.0f} s; "
          "while it drives there is room for {:.0f} s more, then new transitions are lost",
          100 * used, parts_.spool->next() - parts_.spool->acknowledged(),
          parts_.spool->oldest_seconds(),
          1e-6 * parts_.task.control_period_us * static_cast<double>(parts_.spool->room()));
    }
    pressure_ = level;
  }

  const Parts parts_;
  LoopMetrics metrics_;
  FlightRecorder flight_;
  std::vector<Transition> batch_;
  std::string rows_;
  uint64_t rows_lost_ = 0;
  // The spool takes nothing at present. What comes after a loss belongs to another episode.
  bool closed_ = false;
  uint32_t episode_shift_ = 0;
  int64_t last_sync_ = 0;
  int64_t last_fold_ = 0;
  int64_t last_complaint_ = 0;
  int64_t last_late_word_ = 0;
  LateTickJudge judge_;
  int pressure_ = 0;

  StopSignal stop_;
  std::thread thread_;
};

Recorder::Recorder(const Parts& parts) : impl_(std::make_unique<Impl>(parts)) {}
Recorder::~Recorder() = default;
void Recorder::Stop() { impl_->Stop(); }

}  // namespace estuary::bridge
