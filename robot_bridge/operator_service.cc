#include "robot_bridge/operator_service.h"

#include "absl/strings/str_cat.h"
#include "common/process/log.h"
#include "common/process/status.h"
#include "robot_bridge/steer_call.h"

namespace estuary::bridge {

grpc::ServerUnaryReactor* OperatorService::Ask(grpc::CallbackServerContext* context, Event event,
                                               v1::RobotStatus* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  desk_.Ask(event, [this, reactor, response](const absl::Status& status) {
    if (status.ok()) board_.Fill(*response);
    reactor->Finish(process::ToGrpc(status));
  });
  return reactor;
}

grpc::ServerUnaryReactor* OperatorService::Arm(grpc::CallbackServerContext* context,
                                               const v1::ArmRequest*, v1::RobotStatus* response) {
  return Ask(context, Event::kArm, response);
}

grpc::ServerUnaryReactor* OperatorService::Disarm(grpc::CallbackServerContext* context,
                                                  const v1::DisarmRequest*,
                                                  v1::RobotStatus* response) {
  return Ask(context, Event::kDisarm, response);
}

grpc::ServerUnaryReactor* OperatorService::EmergencyStop(grpc::CallbackServerContext* context,
                                                         const v1::EmergencyStopRequest* request,
                                                         v1::RobotStatus* response) {
  spdlog::warn("an operator at {} stops the robot: {}", context->peer(),
               request->reason().empty() ? "no reason given" : request->reason());
  board_.SetStopReason(request->reason());
  return Ask(context, Event::kEmergencyStop, response);
}

grpc::ServerUnaryReactor* OperatorService::SetMode(grpc::CallbackServerContext* context,
                                                   const v1::SetModeRequest* request,
                                                   v1::RobotStatus* response) {
  switch (request->mode()) {
    case v1::ROBOT_STATE_POLICY:
      return Ask(context, Event::kChoosePolicy, response);
    case v1::ROBOT_STATE_OPERATOR:
      return Ask(context, Event::kChooseOperator, response);
    case v1::ROBOT_STATE_FALLBACK:
      return Ask(context, Event::kChooseFallback, response);
    default:
      break;
  }
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status(
      grpc::StatusCode::INVALID_ARGUMENT,
      absl::StrCat("a mode is POLICY, OPERATOR or FALLBACK, got ",
                   v1::RobotState_IsValid(request->mode()) ? v1::RobotState_Name(request->mode())
                                                           : absl::StrCat(request->mode()))));
  return reactor;
}

grpc::ServerUnaryReactor* OperatorService::Status(grpc::CallbackServerContext* context,
                                                  const v1::RobotStatusRequest*,
                                                  v1::RobotStatus* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  board_.Fill(*response);
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

grpc::ServerBidiReactor<v1::OperatorAction, v1::OperatorView>* OperatorService::Steer(
    grpc::CallbackServerContext*) {
  // Deletes itself when gRPC is done with it.
  return new SteerCall(&steering_);
}

}  // namespace estuary::bridge
