#include "robot_bridge/policy_source.h"

#include <utility>

#include "common/process/status.h"

namespace estuary::bridge {
namespace {

class PolicySource : public ActionSource {
 public:
  explicit PolicySource(std::shared_ptr<const policy::Policy> policy)
      : policy_(std::move(policy)), workspace_(*policy_, 1) {}

  uint32_t version() const override { return static_cast<uint32_t>(policy_->version()); }

  void Act(const float* observation, float* action) override {
    policy_->Act({observation, static_cast<size_t>(policy_->observation_dim())}, 1, workspace_,
                 {action, static_cast<size_t>(policy_->action_dim())});
  }

 private:
  const std::shared_ptr<const policy::Policy> policy_;
  policy::Policy::Workspace workspace_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ActionSource>> MakeActionSource(const v1::PolicyVersion& version,
                                                               const RobotTask& task) {
  absl::StatusOr<std::shared_ptr<const policy::Policy>> policy = policy::Policy::FromProto(version);
  if (!policy.ok()) return policy.status();
  ESTUARY_RETURN_IF_ERROR(
      (*policy)->CheckFits(task.name, task.loop.task.observation_dim, task.loop.task.action_dim));
  auto source = std::make_unique<PolicySource>(*std::move(policy));
  const ObservationArray observation{};
  ActionArray action;
  source->Act(observation.data(), action.data());
  return source;
}

}  // namespace estuary::bridge
