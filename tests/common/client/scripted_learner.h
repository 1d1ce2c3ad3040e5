// A learner over a real socket that does what a test tells it.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "common/client/learner_subscriber.h"
#include "common/process/server.h"
#include "estuary/v1/learner.grpc.pb.h"

namespace estuary::client {

class ScriptedLearner : public v1::Learner::Service {
 public:
  explicit ScriptedLearner(const std::string& address) : address_(address) {}
  ~ScriptedLearner() override { Stop(); }

  void Start() {
    {
      absl::MutexLock lock(&mutex_);
      stopping_ = false;
    }
    auto server = process::Server::Start({.addresses = {address_}}, {this});
    server_ = *std::move(server);
  }

  void Stop() {
    {
      absl::MutexLock lock(&mutex_);
      stopping_ = true;
    }
    if (server_ != nullptr) server_->Drain(absl::Milliseconds(200));
    server_ = nullptr;
  }

  // Sent to whoever is subscribed, or to the next who subscribes.
  void Send(uint64_t version, bool final = false) {
    absl::MutexLock lock(&mutex_);
    v1::PolicyUpdate& update = updates_.emplace_back();
    update.mutable_policy()->set_version(version);
    update.set_final(final);
  }

  // Ends the running subscription with this status; new ones too.
  void Refuse(const grpc::Status& status) {
    absl::MutexLock lock(&mutex_);
    refusal_ = status;
  }
  void EndStreams() {
    absl::MutexLock lock(&mutex_);
    ++ended_;
  }

  int subscriptions() const {
    absl::MutexLock lock(&mutex_);
    return static_cast<int>(requests_.size());
  }
  bool AwaitSubscriptions(int count) const {
    absl::MutexLock lock(&mutex_);
    auto enough = [&]() { return static_cast<int>(requests_.size()) >= count; };
    return mutex_.AwaitWithTimeout(absl::Condition(&enough), absl::Seconds(30));
  }
  bool AwaitAllSent() const {
    absl::MutexLock lock(&mutex_);
    auto sent = [&]() { return updates_.empty(); };
    return mutex_.AwaitWithTimeout(absl::Condition(&sent), absl::Seconds(30));
  }
  size_t unsent() const {
    absl::MutexLock lock(&mutex_);
    return updates_.size();
  }
  v1::SubscribeRequest request(int i) const {
    absl::MutexLock lock(&mutex_);
    return requests_[i];
  }

  grpc::Status Subscribe(grpc::ServerContext* context, const v1::SubscribeRequest* request,
                         grpc::ServerWriter<v1::PolicyUpdate>* writer) override {
    int ended = 0;
    {
      absl::MutexLock lock(&mutex_);
      requests_.push_back(*request);
      ended = ended_;
      if (!refusal_.ok()) return refusal_;
    }
    context->AddInitialMetadata(kRunHeader, "run");
    writer->SendInitialMetadata();
    while (!context->IsCancelled()) {
      v1::PolicyUpdate update;
      {
        absl::MutexLock lock(&mutex_);
        auto due = [&]() { return stopping_ || ended_ != ended || !updates_.empty(); };
        mutex_.AwaitWithTimeout(absl::Condition(&due), absl::Milliseconds(20));
        if (stopping_ || ended_ != ended) return grpc::Status::OK;
        if (updates_.empty()) continue;
        update = updates_.front();
        updates_.pop_front();
      }
      if (!writer->Write(update)) break;
    }
    return grpc::Status::OK;
  }

  grpc::Status GetExperiment(grpc::ServerContext*, const v1::GetExperimentRequest*,
                             v1::GetExperimentResponse* response) override {
    response->set_run_id("run");
    return grpc::Status::OK;
  }

  grpc::Status ReportEvaluation(grpc::ServerContext*, const v1::ReportEvaluationRequest*,
                                v1::ReportEvaluationResponse*) override {
    return {grpc::StatusCode::INVALID_ARGUMENT, "no episodes"};
  }

 private:
  const std::string address_;
  mutable absl::Mutex mutex_;
  bool stopping_ = false;
  int ended_ = 0;
  grpc::Status refusal_;
  std::deque<v1::PolicyUpdate> updates_;
  std::vector<v1::SubscribeRequest> requests_;
  std::unique_ptr<process::Server> server_;
};

}  // namespace estuary::client
