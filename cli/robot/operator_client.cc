#include "cli/robot/operator_client.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/process/channel.h"
#include "common/process/explain.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

constexpr absl::Duration kTimeout = absl::Seconds(5);

}  // namespace

OperatorClient::OperatorClient(const std::string& address)
    : address_(address),
      stub_(v1::RobotOperator::NewStub(process::MakeChannel(address, process::Role::kBridge))) {}

template <typename Request>
absl::StatusOr<v1::RobotStatus> OperatorClient::Call(Method<Request> method,
                                                     const Request& request) {
  grpc::ClientContext context;
  process::SetDeadline(context, kTimeout);
  v1::RobotStatus answer;
  const grpc::Status status = ((*stub_).*method)(&context, request, &answer);
  if (!status.ok()) {
    return process::Annotate(
        process::ExplainCall(process::FromGrpc(status), address_, process::Role::kBridge),
        absl::StrCat("the bridge at ", address_));
  }
  return answer;
}

absl::StatusOr<v1::RobotStatus> OperatorClient::Status() {
  return Call<v1::RobotStatusRequest>(&v1::RobotOperator::Stub::Status, {});
}

absl::StatusOr<v1::RobotStatus> OperatorClient::Arm() {
  return Call<v1::ArmRequest>(&v1::RobotOperator::Stub::Arm, {});
}

absl::StatusOr<v1::RobotStatus> OperatorClient::Disarm() {
  return Call<v1::DisarmRequest>(&v1::RobotOperator::Stub::Disarm, {});
}

absl::StatusOr<v1::RobotStatus> OperatorClient::EmergencyStop(const std::string& reason) {
  v1::EmergencyStopRequest request;
  request.set_reason(reason);
  return Call(&v1::RobotOperator::Stub::EmergencyStop, request);
}

absl::StatusOr<v1::RobotStatus> OperatorClient::SetMode(v1::RobotState mode) {
  v1::SetModeRequest request;
  request.set_mode(mode);
  return Call(&v1::RobotOperator::Stub::SetMode, request);
}

std::string StateName(v1::RobotState state) {
  return absl::AsciiStrToLower(absl::StripPrefix(v1::RobotState_Name(state), "ROBOT_STATE_"));
}

}  // namespace estuary::cli
