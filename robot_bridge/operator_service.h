// RobotOperator over gRPC: a thin adapter to the desk (wishes), the steering (actions) and the
// board (status). Nothing here waits: a call is answered from the desk's thread.
#pragma once

#include "estuary/v1/robot.grpc.pb.h"
#include "robot_bridge/operator_desk.h"
#include "robot_bridge/status_board.h"
#include "robot_bridge/steering.h"

namespace estuary::bridge {

class OperatorService final : public v1::RobotOperator::CallbackService {
 public:
  // All outlive the service.
  OperatorService(OperatorDesk* desk, Steering* steering, StatusBoard* board)
      : desk_(*desk), steering_(*steering), board_(*board) {}

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
  grpc::ServerBidiReactor<v1::OperatorAction, v1::OperatorView>* Steer(
      grpc::CallbackServerContext* context) override;

 private:
  grpc::ServerUnaryReactor* Ask(grpc::CallbackServerContext* context, Event event,
                                v1::RobotStatus* response);

  OperatorDesk& desk_;
  Steering& steering_;
  StatusBoard& board_;
};

}  // namespace estuary::bridge
