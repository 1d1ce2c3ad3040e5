#include "common/client/learner_client.h"

#include <algorithm>
#include <functional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/process/backoff.h"
#include "common/process/channel.h"
#include "common/process/explain.h"
#include "common/process/log.h"
#include "common/process/shutdown.h"
#include "common/process/status.h"

namespace estuary::client {
namespace {

constexpr absl::Duration kLongestTry = absl::Seconds(5);
constexpr absl::Duration kFirstWord = absl::Seconds(5);

// Calls again while the learner is away, until `timeout` is over.
absl::Status CallUntil(const std::string& what, const std::string& address, absl::Duration timeout,
                       const std::function<grpc::Status(grpc::ClientContext*)>& call) {
  const absl::Time start = absl::Now();
  absl::Time next_word = start + kFirstWord;
  process::Backoff backoff;
  while (true) {
    grpc::ClientContext context;
    // The call leaves the moment the connection stands, not at the end of some delay of ours.
    context.set_wait_for_ready(true);
    process::SetDeadline(context, std::min(kLongestTry, start + timeout - absl::Now()));
    const absl::Status status = process::FromGrpc(call(&context));
    if (status.ok()) return status;
    const bool passes = status.code() == absl::StatusCode::kUnavailable ||
                        status.code() == absl::StatusCode::kDeadlineExceeded;
    if (!passes) {
      return process::Annotate(status, absl::StrCat(what, " at the learner ", address));
    }
    const absl::Time now = absl::Now();
    if (now - start >= timeout) {
      return absl::UnavailableError(
          absl::StrCat("the learner at ", address, " does not answer ", what, " (tried for ",
                       absl::FormatDuration(timeout), "): ", status.message(), "; ",
                       process::WhyNoAnswer(address, process::Role::kLearner)));
    }
    if (now >= next_word) {
      spdlog::info("waiting for the learner at {} to answer {} since {}: {}", address, what,
                   absl::FormatDuration(absl::Trunc(now - start, absl::Seconds(1))),
                   process::WhyNoAnswer(address, process::Role::kLearner));
      next_word = now + kFirstWord;
    }
    if (process::SleepOrShutdown(std::min(backoff.Next(), start + timeout - now))) {
      return absl::CancelledError(
          absl::StrCat("stopped while waiting for the learner at ", address));
    }
  }
}

}  // namespace

LearnerClient::LearnerClient(const std::string& address)
    : address_(address),
      stub_(v1::Learner::NewStub(process::MakeChannel(address, process::Role::kLearner))) {}

absl::StatusOr<v1::GetExperimentResponse> LearnerClient::GetExperiment(absl::Duration timeout) {
  v1::GetExperimentResponse response;
  ESTUARY_RETURN_IF_ERROR(
      CallUntil("GetExperiment", address_, timeout, [&](grpc::ClientContext* context) {
        return stub_->GetExperiment(context, v1::GetExperimentRequest(), &response);
      }));
  return response;
}

absl::Status LearnerClient::ReportEvaluation(const v1::ReportEvaluationRequest& report,
                                             absl::Duration timeout) {
  v1::ReportEvaluationResponse response;
  return CallUntil("ReportEvaluation", address_, timeout, [&](grpc::ClientContext* context) {
    return stub_->ReportEvaluation(context, report, &response);
  });
}

absl::StatusOr<v1::LearnerStatus> LearnerClient::Status(absl::Duration timeout) {
  grpc::ClientContext context;
  process::SetDeadline(context, timeout);
  v1::LearnerStatus response;
  const absl::Status status =
      process::FromGrpc(stub_->Status(&context, v1::StatusRequest(), &response));
  if (!status.ok()) {
    return process::Annotate(process::ExplainCall(status, address_, process::Role::kLearner),
                             absl::StrCat("Status at the learner ", address_));
  }
  return response;
}

}  // namespace estuary::client
