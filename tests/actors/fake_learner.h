// A learner that says what a test tells it to, over a real socket.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/client/learner_subscriber.h"
#include "common/process/server.h"
#include "estuary/v1/learner.grpc.pb.h"

namespace estuary::actor::testing {

class FakeLearner : public v1::Learner::Service {
 public:
  FakeLearner(std::string address, v1::Experiment experiment, std::string run_id)
      : address_(std::move(address)),
        experiment_(std::move(experiment)),
        run_id_(std::move(run_id)) {}
  ~FakeLearner() override { Stop(); }

  void Start() { server_ = *process::Server::Start({.addresses = {address_}}, {this}); }
  // Subscribers lose their streams, callers find nobody.
  void Stop() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
      changed_.notify_all();
    }
    server_.reset();
    std::lock_guard lock(mutex_);
    stopping_ = false;
  }

  const std::string& address() const { return address_; }

  void Publish(v1::PolicyUpdate update) {
    std::lock_guard lock(mutex_);
    updates_.push_back(std::move(update));
    changed_.notify_all();
  }

  // So many calls of ReportEvaluation fail first.
  void FailReports(int count, grpc::Status with) {
    std::lock_guard lock(mutex_);
    failing_reports_ = count;
    report_failure_ = std::move(with);
  }

  std::vector<v1::ReportEvaluationRequest> reports() {
    std::lock_guard lock(mutex_);
    return reports_;
  }
  // Subscriptions so far, by subscriber.
  int subscriptions(const std::string& subscriber) {
    std::lock_guard lock(mutex_);
    return subscriptions_[subscriber];
  }

 private:
  grpc::Status GetExperiment(grpc::ServerContext*, const v1::GetExperimentRequest*,
                             v1::GetExperimentResponse* response) override {
    *response->mutable_experiment() = experiment_;
    response->set_run_id(run_id_);
    return grpc::Status::OK;
  }

  grpc::Status Subscribe(grpc::ServerContext* context, const v1::SubscribeRequest* request,
                         grpc::ServerWriter<v1::PolicyUpdate>* writer) override {
    context->AddInitialMetadata(client::kRunHeader, run_id_);
    writer->SendInitialMetadata();
    std::unique_lock lock(mutex_);
    ++subscriptions_[request->subscriber()];
    size_t next = 0;
    while (true) {
      changed_.wait_for(lock, std::chrono::milliseconds(50),
                        [&] { return stopping_ || next < updates_.size(); });
      if (stopping_ || context->IsCancelled()) return grpc::Status::OK;
      if (next >= updates_.size()) continue;
      if (!request->evaluations()) next = updates_.size() - 1;
      const v1::PolicyUpdate update = updates_[next++];
      lock.unlock();
      if (!writer->Write(update) || update.final()) return grpc::Status::OK;
      lock.lock();
    }
  }

  grpc::Status ReportEvaluation(grpc::ServerContext*, const v1::ReportEvaluationRequest* request,
                                v1::ReportEvaluationResponse*) override {
    std::lock_guard lock(mutex_);
    if (failing_reports_ > 0) {
      --failing_reports_;
      return report_failure_;
    }
    reports_.push_back(*request);
    return grpc::Status::OK;
  }

  const std::string address_;
  const v1::Experiment experiment_;
  const std::string run_id_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::vector<v1::PolicyUpdate> updates_;
  int failing_reports_ = 0;
  grpc::Status report_failure_;
  std::vector<v1::ReportEvaluationRequest> reports_;
  std::map<std::string, int> subscriptions_;
  std::unique_ptr<process::Server> server_;
};

}  // namespace estuary::actor::testing
