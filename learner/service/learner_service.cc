#include "learner/service/learner_service.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "common/client/learner_subscriber.h"
#include "common/process/log.h"
#include "common/process/status.h"

namespace estuary::learner {
namespace {

// Each holds a thread.
constexpr int kMostSubscribers = 512;
constexpr size_t kLongestName = 200;
// How late a subscriber's thread notices that its client has gone.
constexpr absl::Duration kLook = absl::Milliseconds(100);

}  // namespace

grpc::Status LearnerService::GetExperiment(grpc::ServerContext*, const v1::GetExperimentRequest*,
                                           v1::GetExperimentResponse* response) {
  *response->mutable_experiment() = *parts_.experiment;
  response->set_run_id(parts_.run_id);
  return grpc::Status::OK;
}

grpc::Status LearnerService::Subscribe(grpc::ServerContext* context,
                                       const v1::SubscribeRequest* request,
                                       grpc::ServerWriter<v1::PolicyUpdate>* writer) {
  const std::string& name = request->subscriber();
  if (name.empty() || name.size() > kLongestName) {
    return process::ToGrpc(absl::InvalidArgumentError(absl::StrCat(
        "a subscriber's name has 1 to ", kLongestName, " characters, got ", name.size())));
  }
  if (stopping_) return process::ToGrpc(absl::UnavailableError("the learner is stopping"));
  if (const int count = parts_.publisher->subscribers(); count >= kMostSubscribers) {
    return process::ToGrpc(absl::ResourceExhaustedError(absl::StrCat(
        "the learner has ", count, " subscribers and takes no more than ", kMostSubscribers)));
  }
  const auto subscription = parts_.publisher->Subscribe(request->evaluations());
  spdlog::info("{} subscribed{}", name, request->evaluations() ? " for evaluations" : "");
  // At once, long before there may be a version: the client knows by it that the stream stands.
  context->AddInitialMetadata(client::kRunHeader, parts_.run_id);
  writer->SendInitialMetadata();
  while (!context->IsCancelled() && !stopping_) {
    const Publisher::Update update = subscription->Next(kLook);
    if (update == nullptr) continue;
    if (!writer->Write(*update) || update->final()) break;
  }
  spdlog::info("{} has gone", name);
  return grpc::Status::OK;
}

grpc::Status LearnerService::ReportEvaluation(grpc::ServerContext*,
                                              const v1::ReportEvaluationRequest* request,
                                              v1::ReportEvaluationResponse*) {
  bool complete = false;
  const absl::Status status = parts_.evaluations->Report(*request, &complete);
  if (!status.ok()) {
    spdlog::warn("an evaluation of policy version {} was refused: {}", request->policy_version(),
                 std::string(status.message()));
    return process::ToGrpc(status);
  }
  parts_.metrics->AddEvaluationReport();
  if (complete) parts_.publisher->Retire(request->policy_version());
  const Evaluations::Newest newest = parts_.evaluations->newest();
  parts_.board->Update([&](v1::LearnerStatus& board) {
    board.set_real_return(newest.real_return);
    board.set_sim_return(newest.sim_return);
    board.set_evaluated_version(newest.version);
  });
  return grpc::Status::OK;
}

grpc::Status LearnerService::Status(grpc::ServerContext*, const v1::StatusRequest*,
                                    v1::LearnerStatus* response) {
  *response = parts_.board->Get();
  return grpc::Status::OK;
}

}  // namespace estuary::learner
