// Fills a PolicyInbox with the learner's policy versions: receives, checks, lays out.
//
// A damaged version is refused, counted and logged, and the actor goes on with the one it has; in
// lockstep, where the learner would wait for ever, it is an error. A version of another task or of
// another run is always an error: this actor's rows would be nonsense.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "absl/time/time.h"
#include "actors/actor_metrics.h"
#include "actors/policy_inbox.h"
#include "common/client/learner_subscriber.h"
#include "common/transition/schema.h"

namespace estuary::actor {

class PolicySource {
 public:
  struct Options {
    std::string learner;
    std::string subscriber;
    std::string run_id;
    transition::Schema schema;
    // Rows of the workspaces that come with the policies.
    int rows = 1;
    bool lockstep = false;
  };

  // Inbox and metrics must outlive it.
  PolicySource(const Options& options, PolicyInbox& inbox, ActorMetrics& metrics);
  ~PolicySource();

  // How long the learner has been away; 0 while it is there.
  absl::Duration away() const { return subscriber_.away(); }

 private:
  void Run();
  absl::Status Deliver(const v1::PolicyUpdate& update);

  const Options options_;
  PolicyInbox& inbox_;
  ActorMetrics& metrics_;
  client::LearnerSubscriber subscriber_;
  std::atomic<bool> stopped_{false};
  std::thread thread_;
};

}  // namespace estuary::actor
