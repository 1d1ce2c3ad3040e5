#include "robot_bridge/policy_feed.h"

#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/client/learner_subscriber.h"
#include "common/process/log.h"
#include "common/process/process_context.h"
#include "robot_bridge/bridge_metric_families.h"
#include "robot_bridge/policy_source.h"
#include "robot_bridge/stop_signal.h"

namespace estuary::bridge {
namespace {

constexpr int64_t kRound = 500 * kMillisecond;

}  // namespace

class PolicyFeed::Impl {
 public:
  Impl(const RobotTask& task, const std::string& robot, const std::string& learner,
       PolicySlot* slot, StatusBoard* board, process::Metrics* metrics)
      : task_(task),
        slot_(*slot),
        board_(*board),
        received_(
            metrics->Counter(Family("estuary_bridge_policies_received_total"), {{"robot", robot}})),
        refused_(
            metrics->Counter(Family("estuary_bridge_policies_refused_total"), {{"robot", robot}})) {
    if (!learner.empty()) {
      away_ = &metrics->Gauge(Family("estuary_bridge_learner_away_seconds"), {{"robot", robot}});
      client::LearnerSubscriber::Options options;
      options.address = learner;
      options.subscriber = absl::StrCat("bridge-", robot);
      options.outlives_refusal = true;
      subscriber_ = std::make_unique<client::LearnerSubscriber>(options);
    }
    thread_ = std::thread([this] { Work(); });
  }
  ~Impl() { Stop(); }

  void Stop() {
    if (!stop_.Request()) return;
    if (subscriber_ != nullptr) subscriber_->Stop();
    thread_.join();
  }

 private:
  void Work() {
    bool subscribed = subscriber_ != nullptr;
    while (subscribed ? !stop_.requested() : !stop_.WaitFor(kRound)) {
      slot_.Collect();
      if (other_run_.has_value() && !MotorsOn()) ChangeRun();
      if (!subscribed) continue;
      const client::LearnerSubscriber::Update update = subscriber_->Next(absl::Nanoseconds(kRound));
      ShowAway(absl::ToDoubleSeconds(subscriber_->away()));
      if (update != nullptr && update->has_policy()) Offer(update->policy());
      if (!subscriber_->status().ok()) {
        spdlog::error("the learner refuses this bridge, which goes on with the policy it has: {}",
                      std::string(subscriber_->status().message()));
        subscribed = false;
      } else if (update == nullptr && subscriber_->finished()) {
        spdlog::info("training has ended; the final policy stays in use");
        subscribed = false;
      }
      // It has nothing more to say, and is not missed.
      if (!subscribed) ShowAway(0);
    }
  }

  void ShowAway(double seconds) {
    away_->Set(seconds);
    board_.SetLearnerAway(seconds);
  }

  bool MotorsOn() { return TorqueOn(board_.Newest().state); }

  void Refuse(const v1::PolicyVersion& version, const std::string& why) {
    refused_.Increment();
    const std::string line = absl::StrCat("refused policy version ", version.version(), " of run '",
                                          version.run_id(), "': ", why);
    spdlog::warn("{}", line);
    board_.CountPolicyRefusal(line);
  }

  void Offer(const v1::PolicyVersion& version) {
    received_.Increment();
    absl::StatusOr<std::unique_ptr<ActionSource>> source = MakeActionSource(version, task_);
    if (!source.ok()) {
      Refuse(version, std::string(source.status().message()));
      return;
    }
    if (run_.has_value() && version.run_id() != *run_ && MotorsOn()) {
      Refuse(version, absl::StrCat("run '", *run_,
                                   "' drives the robot; disarm it, and this run's "
                                   "newest version is taken"));
      other_run_ = version;
      return;
    }
    other_run_.reset();
    if (run_ != version.run_id()) {
      spdlog::info("policy versions are of run '{}' from now on", version.run_id());
      run_ = version.run_id();
      process::SetRun(*run_);
    }
    slot_.Offer(*std::move(source));
  }

  // The motors are off: the version that was kept may come in.
  void ChangeRun() {
    const v1::PolicyVersion version = *std::exchange(other_run_, std::nullopt);
    Offer(version);
  }

  const RobotTask task_;
  PolicySlot& slot_;
  StatusBoard& board_;
  prometheus::Counter& received_;
  prometheus::Counter& refused_;
  // Where there is a learner.
  prometheus::Gauge* away_ = nullptr;
  std::unique_ptr<client::LearnerSubscriber> subscriber_;
  // Of the newest version that was taken.
  std::optional<std::string> run_;
  // The newest version of another run, which came while the motors were on.
  std::optional<v1::PolicyVersion> other_run_;

  StopSignal stop_;
  std::thread thread_;
};

PolicyFeed::PolicyFeed(const RobotTask& task, const std::string& robot, const std::string& learner,
                       PolicySlot* slot, StatusBoard* board, process::Metrics* metrics)
    : impl_(std::make_unique<Impl>(task, robot, learner, slot, board, metrics)) {}
PolicyFeed::~PolicyFeed() = default;
void PolicyFeed::Stop() { impl_->Stop(); }

}  // namespace estuary::bridge
