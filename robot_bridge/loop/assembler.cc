#include "robot_bridge/loop/assembler.h"

#include <algorithm>
#include <cmath>

namespace estuary::bridge {
namespace {

bool IsAction(const float* action, int count) {
  return std::all_of(action, action + count, [](float value) { return std::abs(value) <= 1; });
}

}  // namespace

Assembler::Outcome Assembler::Classify(const Observation& observation, bool valid,
                                       const DecisionLog& decisions) {
  if (observation.episode_start) {
    closed_ = false;
    return Outcome::kNone;
  }
  if (observation.applied_sequence == 0) {
    // Motors off: whatever follows is a new beginning.
    closed_ = false;
    return Outcome::kNone;
  }
  if (closed_) return Outcome::kNone;
  const bool consecutive =
      has_last_ && observation.link == last_.link && observation.sequence == last_.sequence + 1;
  const bool one_command =
      !observation.applied_changed &&
      observation.applied_dim == static_cast<uint32_t>(task_.action_dim) &&
      IsAction(observation.applied_action.data(), task_.action_dim) &&
      decisions.Find(observation.link, observation.applied_sequence) != nullptr;
  if (!valid || !consecutive || !one_command) return Outcome::kGap;
  // The robot lies where the task has ended already.
  if (task_.terminal(last_.observation.data())) return Outcome::kNone;
  return Outcome::kTransition;
}

void Assembler::Build(const Observation& observation, const DecisionLog& decisions) {
  const Decision& decision = *decisions.Find(observation.link, observation.applied_sequence);
  pending_.observation = last_.observation;
  pending_.action = observation.applied_action;
  pending_.next_observation = observation.observation;
  pending_.reward = static_cast<float>(
      task_.reward(observation.observation.data(), observation.applied_action.data()));
  pending_.terminal = task_.terminal(observation.observation.data());
  pending_.truncated = false;
  pending_.source = decision.source;
  pending_.policy_version = decision.policy_version;
  pending_.episode = episode_;
  pending_.policy_action = decision.wanted;
  pending_.action_latency_us = decision.latency_us;
}

void Assembler::Remember(const Observation& observation, bool valid) {
  has_last_ = valid;
  if (valid) last_ = observation;
}

}  // namespace estuary::bridge
