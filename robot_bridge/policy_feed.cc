#include "robot_bridge/policy_feed.h"

#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "common/client/learner_subscriber.h"
#include "common/process/log.h"
#include "robot_bridge/policy_source.h"

namespace estuary::bridge {
namespace {

constexpr absl::Duration kRound = absl::Milliseconds(500);

}  // namespace

class PolicyFeed::Impl {
 public:
  Impl(const RobotTask& task, const std::string& robot, const std::string& learner,
       PolicySlot* slot, process::Metrics* metrics)
      : task_(task),
        slot_(*slot),
        received_(metrics->Counter("estuary_bridge_policies_received_total",
                                   "Policy versions from the learner")),
        refused_(metrics->Counter("estuary_bridge_policies_refused_total",
                                  "Policy versions that do not fit or are damaged")) {
    if (!learner.empty()) {
      client::LearnerSubscriber::Options options;
      options.address = learner;
      options.subscriber = absl::StrCat("bridge-", robot);
      subscriber_ = std::make_unique<client::LearnerSubscriber>(options);
    }
    thread_ = std::thread([this] { Work(); });
  }
  ~Impl() { Stop(); }

  void Stop() {
    {
      absl::MutexLock lock(&mutex_);
      if (std::exchange(stopping_, true)) return;
    }
    if (subscriber_ != nullptr) subscriber_->Stop();
    thread_.join();
  }

 private:
  bool WaitOrStop(absl::Duration duration) {
    absl::MutexLock lock(&mutex_);
    return mutex_.AwaitWithTimeout(absl::Condition(&stopping_), duration);
  }

  void Work() {
    bool subscribed = subscriber_ != nullptr;
    while (!WaitOrStop(subscribed ? absl::ZeroDuration() : kRound)) {
      slot_.Collect();
      if (!subscribed) continue;
      const client::LearnerSubscriber::Update update = subscriber_->Next(kRound);
      if (update != nullptr && update->has_policy()) Offer(update->policy());
      if (!subscriber_->status().ok()) {
        spdlog::error("the learner refuses this bridge, which goes on with the policy it has: {}",
                      std::string(subscriber_->status().message()));
        subscribed = false;
      } else if (update == nullptr && subscriber_->finished()) {
        spdlog::info("training has ended; the final policy stays in use");
        subscribed = false;
      }
    }
  }

  void Offer(const v1::PolicyVersion& version) {
    received_.Increment();
    absl::StatusOr<std::unique_ptr<ActionSource>> source = MakeActionSource(version, task_);
    if (!source.ok()) {
      refused_.Increment();
      spdlog::warn("refused policy version {} of run '{}': {}", version.version(), version.run_id(),
                   std::string(source.status().message()));
      return;
    }
    slot_.Offer(*std::move(source));
  }

  const RobotTask task_;
  PolicySlot& slot_;
  prometheus::Counter& received_;
  prometheus::Counter& refused_;
  std::unique_ptr<client::LearnerSubscriber> subscriber_;

  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

PolicyFeed::PolicyFeed(const RobotTask& task, const std::string& robot, const std::string& learner,
                       PolicySlot* slot, process::Metrics* metrics)
    : impl_(std::make_unique<Impl>(task, robot, learner, slot, metrics)) {}
PolicyFeed::~PolicyFeed() = default;
void PolicyFeed::Stop() { impl_->Stop(); }

}  // namespace estuary::bridge
