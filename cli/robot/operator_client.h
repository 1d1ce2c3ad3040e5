// What a person at the robot may say to its bridge, each with a deadline.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "estuary/v1/robot.grpc.pb.h"

namespace estuary::cli {

class OperatorClient {
 public:
  explicit OperatorClient(const std::string& address);

  absl::StatusOr<v1::RobotStatus> Status();
  absl::StatusOr<v1::RobotStatus> Arm();
  absl::StatusOr<v1::RobotStatus> Disarm();
  absl::StatusOr<v1::RobotStatus> EmergencyStop(const std::string& reason);
  absl::StatusOr<v1::RobotStatus> SetMode(v1::RobotState mode);

 private:
  template <typename Request>
  using Method = grpc::Status (v1::RobotOperator::Stub::*)(grpc::ClientContext*, const Request&,
                                                           v1::RobotStatus*);
  template <typename Request>
  absl::StatusOr<v1::RobotStatus> Call(Method<Request> method, const Request& request);

  const std::string address_;
  std::unique_ptr<v1::RobotOperator::Stub> stub_;
};

// "policy"; for people.
std::string StateName(v1::RobotState state);

}  // namespace estuary::cli
