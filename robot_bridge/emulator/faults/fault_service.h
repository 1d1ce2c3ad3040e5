// RobotFaults over gRPC: a FaultPlan for whoever tests.
#pragma once

#include "estuary/v1/robot_fault.grpc.pb.h"
#include "robot_bridge/emulator/faults/fault_plan.h"

namespace estuary::bridge {

class FaultService final : public v1::RobotFaults::CallbackService {
 public:
  // `plan` outlives the service.
  explicit FaultService(FaultPlan* plan) : plan_(*plan) {}

  grpc::ServerUnaryReactor* Inject(grpc::CallbackServerContext* context,
                                   const v1::InjectFaultsRequest* request,
                                   v1::FaultReport* response) override;
  grpc::ServerUnaryReactor* Report(grpc::CallbackServerContext* context,
                                   const v1::FaultReportRequest* request,
                                   v1::FaultReport* response) override;

 private:
  FaultPlan& plan_;
};

}  // namespace estuary::bridge
