#include "robot_bridge/emulator/faults/faulty_link.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "robot_bridge/loop/clock.h"

namespace estuary::bridge {

FaultyLink::FaultyLink(std::unique_ptr<RobotLink> link, FaultPlan* plan, bool corrupts)
    : link_(std::move(link)), plan_(*plan), corrupts_(corrupts) {}

void FaultyLink::SendObservation(const Observation& observation) {
  const int64_t now = Now();
  int64_t milliseconds = 0;
  if (plan_.Happens(v1::FAULT_KIND_FREEZE, &milliseconds)) {
    frozen_until_ns_ = now + milliseconds * kMillisecond;
  }
  if (now < frozen_until_ns_) return;
  SendDue(now);
  Observation spoilt = observation;
  Spoil(spoilt, now);
  if (plan_.Happens(v1::FAULT_KIND_DROP)) return;
  if (plan_.Happens(v1::FAULT_KIND_DELAY, &milliseconds)) {
    late_.push_back({now + milliseconds * kMillisecond, spoilt});
    return;
  }
  if (!has_overtaken_ && plan_.Happens(v1::FAULT_KIND_REORDER)) {
    overtaken_ = spoilt;
    has_overtaken_ = true;
    return;
  }
  link_->SendObservation(spoilt);
  if (plan_.Happens(v1::FAULT_KIND_DUPLICATE)) link_->SendObservation(spoilt);
  if (std::exchange(has_overtaken_, false)) link_->SendObservation(overtaken_);
}

void FaultyLink::SendDue(int64_t now) {
  while (!late_.empty() && late_.front().due_ns <= now) {
    link_->SendObservation(late_.front().observation);
    late_.pop_front();
  }
}

void FaultyLink::Spoil(Observation& observation, int64_t now) {
  int64_t milliseconds = 0;
  if (plan_.Happens(v1::FAULT_KIND_STUCK, &milliseconds)) {
    stuck_until_ns_ = now + milliseconds * kMillisecond;
    stuck_ = observation.observation;
  }
  if (now < stuck_until_ns_) observation.observation = stuck_;
  if (plan_.Happens(v1::FAULT_KIND_NAN)) {
    observation.observation[plan_.Draw(std::max(1u, observation.observation_dim))] =
        std::numeric_limits<float>::quiet_NaN();
  }
  if (corrupts_ && plan_.Happens(v1::FAULT_KIND_CORRUPT)) ++observation.observation_dim;
}

bool FaultyLink::NextCommand(ReceivedCommand& command) {
  const int64_t now = Now();
  SendDue(now);
  TakeCommands();
  if (commands_.empty() || commands_.front().arrival_ns > now) return false;
  command = commands_.front();
  commands_.pop_front();
  return true;
}

void FaultyLink::TakeCommands() {
  ReceivedCommand command;
  while (link_->NextCommand(command)) {
    if (command.arrival_ns < frozen_until_ns_) continue;
    if (plan_.Happens(v1::FAULT_KIND_DROP)) continue;
    int64_t milliseconds = 0;
    if (plan_.Happens(v1::FAULT_KIND_DELAY, &milliseconds)) {
      command.arrival_ns += milliseconds * kMillisecond;
    }
    if (!has_overtaken_command_ && plan_.Happens(v1::FAULT_KIND_REORDER)) {
      overtaken_command_ = command;
      has_overtaken_command_ = true;
      continue;
    }
    Keep(command);
    if (plan_.Happens(v1::FAULT_KIND_DUPLICATE)) Keep(command);
    if (std::exchange(has_overtaken_command_, false)) {
      overtaken_command_.arrival_ns = std::max(overtaken_command_.arrival_ns, command.arrival_ns);
      Keep(overtaken_command_);
    }
  }
}

void FaultyLink::Keep(const ReceivedCommand& command) {
  // Behind those that arrive no later.
  auto at = commands_.end();
  while (at != commands_.begin() && (at - 1)->arrival_ns > command.arrival_ns) --at;
  commands_.insert(at, command);
}

}  // namespace estuary::bridge
