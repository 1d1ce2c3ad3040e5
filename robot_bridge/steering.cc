#include "robot_bridge/steering.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/process/log.h"
#include "robot_bridge/bridge_metric_families.h"
#include "robot_bridge/loop/clock.h"

namespace estuary::bridge {

Steering::Steering(const Parts& parts)
    : parts_(parts),
      loop_(*parts.loop),
      actions_(parts.metrics->Counter(Family("estuary_bridge_operator_actions_total"),
                                      {{"robot", parts.robot}})),
      stale_(parts.metrics->Counter(Family("estuary_bridge_stale_operator_actions_total"),
                                    {{"robot", parts.robot}})),
      connected_(parts.metrics->Gauge(Family("estuary_bridge_operator_connected"),
                                      {{"robot", parts.robot}})) {
  thread_ = std::thread([this] { Look(); });
}

Steering::~Steering() { Stop(); }

absl::StatusOr<uint64_t> Steering::Claim(Operator who) {
  absl::MutexLock lock(&mutex_);
  if (stopping_) return absl::UnavailableError("the bridge is shutting down");
  if (ticket_ != 0) {
    return absl::AlreadyExistsError(absl::StrCat("operator '", operator_.name, "' steers robot '",
                                                 parts_.robot, "' already; one does at a time"));
  }
  ticket_ = ++last_ticket_;
  operator_ = std::move(who);
  if (operator_.name.empty()) operator_.name = "unnamed";
  link_ = 0;
  seen_.fill({});
  parts_.board->SetOperator(operator_.name);
  connected_.Set(1);
  spdlog::info("operator '{}' begins to steer robot '{}'", operator_.name, parts_.robot);
  return ticket_;
}

absl::Status Steering::CheckAction(const v1::OperatorAction& action) const {
  if (action.action_size() != loop_.task.action_dim) {
    return absl::InvalidArgumentError(absl::StrCat("robot '", parts_.robot, "' takes actions of ",
                                                   loop_.task.action_dim, ", got ",
                                                   action.action_size()));
  }
  for (int i = 0; i < action.action_size(); ++i) {
    // Written so that a NaN fails.
    if (!(std::abs(action.action(i)) <= 1)) {
      return absl::InvalidArgumentError(
          absl::StrCat("action[", i, "] must be within [-1, 1], got ", action.action(i)));
    }
  }
  return absl::OkStatus();
}

int64_t Steering::SeenAt(uint64_t sequence) const {
  const auto& [seen, at] = seen_[sequence % seen_.size()];
  return seen == sequence ? at : 0;
}

absl::Status Steering::Act(uint64_t ticket, const v1::OperatorAction& action) {
  const int64_t now = Now();
  const absl::Status good = CheckAction(action);
  if (!good.ok()) return good;
  absl::MutexLock lock(&mutex_);
  if (ticket != ticket_) return absl::AbortedError("somebody else steers");
  actions_.Increment();
  OperatorInput input;
  input.ticket = ticket;
  input.at_ns = action.observation_sequence() == 0 ? now : SeenAt(action.observation_sequence());
  input.episode = action.episode();
  std::copy(action.action().begin(), action.action().end(), input.action.begin());
  if (now - input.at_ns >= loop_.operator_silent_ns) {
    stale_.Increment();
    parts_.board->CountStaleAction();
    return absl::OkStatus();
  }
  parts_.input->Put(input);
  return absl::OkStatus();
}

void Steering::Leave(uint64_t ticket) {
  absl::MutexLock lock(&mutex_);
  if (ticket == 0 || ticket != ticket_) return;
  OperatorInput gone;
  gone.ticket = ticket;
  parts_.input->Put(gone);
  spdlog::info("operator '{}' steers robot '{}' no more", operator_.name, parts_.robot);
  ticket_ = 0;
  operator_ = {};
  parts_.board->SetOperator("");
  connected_.Set(0);
}

void Steering::Note(const LoopStatus& status) {
  if (status.observation_ns == 0) return;
  if (status.link != link_) {
    link_ = status.link;
    seen_.fill({});
  }
  seen_[status.observation_sequence % seen_.size()] = {status.observation_sequence,
                                                       status.observation_ns};
}

void Steering::Look() {
  uint64_t shown_ticket = 0;
  uint64_t shown_link = 0;
  uint64_t shown_sequence = 0;
  State shown_state = State::kDisarmed;
  for (;;) {
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &Steering::HasWork));
      if (stopping_) return;
      const LoopStatus status = parts_.board->Newest();
      Note(status);
      const bool same = shown_ticket == ticket_ && shown_state == status.state &&
                        shown_link == status.link && shown_sequence == status.observation_sequence;
      if (!same) {
        shown_ticket = ticket_;
        shown_link = status.link;
        shown_sequence = status.observation_sequence;
        shown_state = status.state;
        operator_.show(parts_.board->View(status));
      }
    }
    SleepUntil(Now() + kMillisecond);
  }
}

void Steering::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    if (std::exchange(stopping_, true)) return;
    if (ticket_ != 0) operator_.end(absl::UnavailableError("the bridge is shutting down"));
  }
  thread_.join();
}

}  // namespace estuary::bridge
