// One operator's call of RobotOperator.Steer: a thin adapter between gRPC's streams and Steering.
// Every view that cannot be sent at once replaces the one that waits.
#pragma once

#include "estuary/v1/robot.grpc.pb.h"
#include "robot_bridge/steering.h"

namespace estuary::bridge {

class SteerCall final : public grpc::ServerBidiReactor<v1::OperatorAction, v1::OperatorView> {
 public:
  // `steering` outlives it; it deletes itself when gRPC is done with it.
  explicit SteerCall(Steering* steering);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  void Show(const v1::OperatorView& view);
  void End(const absl::Status& status);

  Steering& steering_;
  // Touched by one thread at a time: a new read starts when the last one was dealt with.
  v1::OperatorAction action_;
  uint64_t ticket_ = 0;

  absl::Mutex mutex_;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool waits_ ABSL_GUARDED_BY(mutex_) = false;
  v1::OperatorView waiting_ ABSL_GUARDED_BY(mutex_);
  v1::OperatorView outgoing_;
};

}  // namespace estuary::bridge
