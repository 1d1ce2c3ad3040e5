#include "actors/policy_source.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "actors/setup.h"
#include "common/process/log.h"
#include "common/process/status.h"

namespace estuary::actor {

PolicySource::PolicySource(const Options& options, PolicyInbox& inbox, ActorMetrics& metrics)
    : options_(options),
      inbox_(inbox),
      metrics_(metrics),
      subscriber_(
          {.address = options.learner, .subscriber = options.subscriber, .evaluations = false}),
      thread_([this] { Run(); }) {}

PolicySource::~PolicySource() {
  stopped_ = true;
  subscriber_.Stop();
  thread_.join();
}

void PolicySource::Run() {
  while (!stopped_) {
    const client::LearnerSubscriber::Update update = subscriber_.Next(absl::Seconds(1));
    if (absl::Status status = subscriber_.status(); !status.ok()) return inbox_.Fail(status);
    if (update == nullptr) continue;
    if (absl::Status status = Deliver(*update); !status.ok()) return inbox_.Fail(status);
    if (update->final()) return;
  }
}

absl::Status PolicySource::Deliver(const v1::PolicyUpdate& update) {
  ReadyPolicy ready{.steps_limit = update.environment_steps_limit(), .final = update.final()};
  if (update.has_policy()) {
    absl::StatusOr<std::shared_ptr<const policy::Policy>> policy =
        LoadPolicy(update.has_exploration_policy() ? update.exploration_policy() : update.policy(),
                   options_.run_id, options_.schema);
    if (policy.ok()) {
      ready.policy = *std::move(policy);
      ready.workspace.emplace(*ready.policy, options_.rows);
    } else {
      metrics_.AddRefusedPolicy();
      const bool damaged = policy.status().code() == absl::StatusCode::kInvalidArgument;
      if (!damaged || options_.lockstep) return policy.status();
      spdlog::error("refused what {} sent, going on with the policy there is: {}", options_.learner,
                    std::string(policy.status().message()));
      // The end of the training counts without its policy, too.
      if (!update.final()) return absl::OkStatus();
    }
  }
  inbox_.Put(std::move(ready));
  return absl::OkStatus();
}

}  // namespace estuary::actor
