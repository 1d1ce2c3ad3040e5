// Calls to the learner that answer once: the experiment, its state, and an evaluator's results.
// Policy versions arrive through learner_subscriber.h.
//
// Every call has a deadline. Where the learner is away (it is being restarted), a call tries again
// with a backoff until its time is up, and says every 5 s whom it waits for. Thread-safe.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "estuary/v1/learner.grpc.pb.h"

namespace estuary::client {

class LearnerClient {
 public:
  explicit LearnerClient(const std::string& address);

  const std::string& address() const { return address_; }

  // The effective experiment and the run's id. UNAVAILABLE names the address and how long was
  // tried; CANCELLED on shutdown.
  absl::StatusOr<v1::GetExperimentResponse> GetExperiment(absl::Duration timeout);

  // INVALID_ARGUMENT or NOT_FOUND where the learner refuses the report (it was restarted and never
  // made that version, say): log it and go on.
  absl::Status ReportEvaluation(const v1::ReportEvaluationRequest& report, absl::Duration timeout);

  // One try, no waiting for a learner that is away.
  absl::StatusOr<v1::LearnerStatus> Status(absl::Duration timeout);

 private:
  const std::string address_;
  std::unique_ptr<v1::Learner::Stub> stub_;
};

}  // namespace estuary::client
