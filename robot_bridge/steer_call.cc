#include "robot_bridge/steer_call.h"

#include <utility>

#include "common/process/status.h"

namespace estuary::bridge {

SteerCall::SteerCall(Steering* steering) : steering_(*steering) { StartRead(&action_); }

void SteerCall::OnReadDone(bool ok) {
  if (!ok) {
    steering_.Leave(ticket_);
    End(absl::OkStatus());
    return;
  }
  if (ticket_ == 0) {
    const absl::StatusOr<uint64_t> ticket =
        steering_.Claim({.name = action_.operator_(),
                         .show = [this](const v1::OperatorView& view) { Show(view); },
                         .end = [this](const absl::Status& why) { End(why); }});
    if (!ticket.ok()) {
      End(ticket.status());
      return;
    }
    ticket_ = *ticket;
  }
  // The first message may only say who it is.
  if (action_.action_size() > 0) {
    const absl::Status status = steering_.Act(ticket_, action_);
    if (!status.ok()) {
      steering_.Leave(ticket_);
      End(status);
      return;
    }
  }
  absl::MutexLock lock(&mutex_);
  // Nothing may be started behind Finish.
  if (!ended_) StartRead(&action_);
}

void SteerCall::Show(const v1::OperatorView& view) {
  absl::MutexLock lock(&mutex_);
  if (ended_) return;
  if (writing_) {
    waiting_ = view;
    waits_ = true;
    return;
  }
  outgoing_ = view;
  writing_ = true;
  StartWrite(&outgoing_);
}

void SteerCall::OnWriteDone(bool ok) {
  absl::MutexLock lock(&mutex_);
  writing_ = false;
  if (!ok || ended_ || !std::exchange(waits_, false)) return;
  outgoing_ = std::move(waiting_);
  writing_ = true;
  StartWrite(&outgoing_);
}

void SteerCall::OnCancel() { End(absl::CancelledError("cancelled")); }

// The read that is under way when a call is cancelled ends, too, so that nothing of this is used
// any more once OnDone comes.
void SteerCall::OnDone() {
  steering_.Leave(ticket_);
  delete this;
}

void SteerCall::End(const absl::Status& status) {
  absl::MutexLock lock(&mutex_);
  if (std::exchange(ended_, true)) return;
  Finish(process::ToGrpc(status));
}

}  // namespace estuary::bridge
