// RobotOperator over gRPC: a thin adapter to the desk (wishes) and the board (status). Nothing here
// waits: a call is answered from the desk's thread.
#pragma once

#include "estuary/v1/robot.grpc.pb.h"
#include "robot_bridge/operator_desk.h"
#include "robot_bridge/status_board.h"

namespace estuary::bridge {

class OperatorService final : public v1::RobotOperator::CallbackService {
 public:
  // Both outlive the service.
  OperatorService(OperatorDesk* desk, StatusBoard* board) : desk_(*desk), board_(*board) {}

  grpc::ServerUnaryReactor* Arm(grpc::CallbackServerContext* context, const v1::ArmRequest* request,
                                v1::RobotStatus* response) override;
  grpc::ServerUnaryReactor* Disarm(grpc::CallbackServerContext* context,
                                   const v1::DisarmRequest* request,
                                   v1::RobotStatus* response) override;
  grpc::ServerUnaryReactor* EmergencyStop(grpc::CallbackServerContext* context,
                                          const v1::EmergencyStopRequest* request,
                                          v1::RobotStatus* response) override;
  grpc::ServerUnaryReactor* SetMode(grpc::CallbackServerContext* context,
                                    const v1::SetModeRequest* request,
                                    v1::RobotStatus* response) override;
  grpc::ServerUnaryReactor* Status(grpc::CallbackServerContext* context,
                                   const v1::RobotStatusRequest* request,
                                   v1::RobotStatus* response) override;

 private:
  grpc::ServerUnaryReactor* Ask(grpc::CallbackServerContext* context, Event event,
                                v1::RobotStatus* response);

  OperatorDesk& desk_;
  StatusBoard& board_;
};

}  // namespace estuary::bridge
