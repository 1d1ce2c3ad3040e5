// The Learner service as gRPC sees it: a thin layer over the publisher, the evaluations and the
// status board. Every subscriber has a thread of its own here, so a slow one holds up nobody.
#pragma once

#include <atomic>
#include <string>

#include "estuary/v1/learner.grpc.pb.h"
#include "learner/service/evaluations.h"
#include "learner/service/learner_metrics.h"
#include "learner/service/publisher.h"
#include "learner/service/status_board.h"

namespace estuary::learner {

class LearnerService : public v1::Learner::Service {
 public:
  // What it serves; all outlive it.
  struct Parts {
    const v1::Experiment* experiment;
    std::string run_id;
    Publisher* publisher;
    Evaluations* evaluations;
    StatusBoard* board;
    LearnerMetrics* metrics;
  };

  explicit LearnerService(Parts parts) : parts_(std::move(parts)) {}

  // Ends every subscription soon; new ones are refused.
  void Stop() { stopping_ = true; }

  grpc::Status GetExperiment(grpc::ServerContext* context, const v1::GetExperimentRequest* request,
                             v1::GetExperimentResponse* response) override;
  grpc::Status Subscribe(grpc::ServerContext* context, const v1::SubscribeRequest* request,
                         grpc::ServerWriter<v1::PolicyUpdate>* writer) override;
  grpc::Status ReportEvaluation(grpc::ServerContext* context,
                                const v1::ReportEvaluationRequest* request,
                                v1::ReportEvaluationResponse* response) override;
  grpc::Status Status(grpc::ServerContext* context, const v1::StatusRequest* request,
                      v1::LearnerStatus* response) override;

 private:
  const Parts parts_;
  std::atomic<bool> stopping_{false};
};

}  // namespace estuary::learner
