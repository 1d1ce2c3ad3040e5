#include "replay_server/service.h"

#include <utility>

#include "common/process/status.h"
#include "replay_server/append_stream.h"
#include "replay_server/follow_stream.h"
#include "replay_server/sample_stream.h"

namespace estuary::replay {
namespace {

template <class Kind>
Kind* Open(Shard& shard, const std::shared_ptr<DrainSignal>& drain) {
  const auto stream = std::make_shared<Kind>(shard, drain);
  stream->Begin();
  return stream.get();
}

}  // namespace

void Service::Drain() {
  drain_->draining.store(true, std::memory_order_release);
  drain_->streams.WakeAll();
}

grpc::ServerUnaryReactor* Service::Describe(grpc::CallbackServerContext* context,
                                            const v1::DescribeRequest* /*request*/,
                                            v1::DescribeResponse* response) {
  *response = shard_.Describe();
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

grpc::ServerBidiReactor<v1::AppendRequest, v1::AppendResponse>* Service::Append(
    grpc::CallbackServerContext* /*context*/) {
  return Open<AppendStream>(shard_, drain_);
}

grpc::ServerBidiReactor<v1::FollowRequest, v1::FollowResponse>* Service::Follow(
    grpc::CallbackServerContext* /*context*/) {
  return Open<FollowStream>(shard_, drain_);
}

grpc::ServerBidiReactor<v1::SampleRequest, v1::SampleResponse>* Service::Sample(
    grpc::CallbackServerContext* /*context*/) {
  return Open<SampleStream>(shard_, drain_);
}

grpc::ServerUnaryReactor* Service::Checkpoint(grpc::CallbackServerContext* context,
                                              const v1::CheckpointRequest* /*request*/,
                                              v1::CheckpointResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  // Writing takes a while: not on a thread of gRPC's.
  shard_.CheckpointInBackground(
      [reactor, response](const absl::StatusOr<v1::CheckpointResponse>& done) {
        if (done.ok()) *response = *done;
        reactor->Finish(process::ToGrpc(done.status()));
      });
  return reactor;
}

}  // namespace estuary::replay
