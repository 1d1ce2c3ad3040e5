#include "robot_bridge/emulator/faults/fault_service.h"

#include "common/process/log.h"
#include "common/process/status.h"

namespace estuary::bridge {

grpc::ServerUnaryReactor* FaultService::Inject(grpc::CallbackServerContext* context,
                                               const v1::InjectFaultsRequest* request,
                                               v1::FaultReport* response) {
  const absl::Status status = plan_.Inject(*request);
  if (status.ok()) {
    if (request->clear()) spdlog::info("no faults from here");
    for (const v1::Fault& fault : request->faults()) {
      spdlog::info("fault '{}' from here: rate {}, {} ms, {} times", FaultName(fault.kind()),
                   fault.rate(), fault.milliseconds(), fault.count());
    }
    *response = plan_.Report();
  }
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(process::ToGrpc(status));
  return reactor;
}

grpc::ServerUnaryReactor* FaultService::Report(grpc::CallbackServerContext* context,
                                               const v1::FaultReportRequest*,
                                               v1::FaultReport* response) {
  *response = plan_.Report();
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

}  // namespace estuary::bridge
