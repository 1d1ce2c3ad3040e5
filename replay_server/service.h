// The Replay service: gRPC's side of a shard, and nothing else.
#pragma once

#include <memory>

#include "estuary/v1/replay.grpc.pb.h"
#include "replay_server/shard.h"
#include "replay_server/stream.h"

namespace estuary::replay {

class Service final : public v1::Replay::CallbackService {
 public:
  explicit Service(Shard& shard) : shard_(shard), drain_(std::make_shared<DrainSignal>()) {}

  // Streams end with UNAVAILABLE as soon as what was taken is stored and acknowledged.
  void Drain();

  grpc::ServerUnaryReactor* Describe(grpc::CallbackServerContext* context,
                                     const v1::DescribeRequest* request,
                                     v1::DescribeResponse* response) override;
  grpc::ServerBidiReactor<v1::AppendRequest, v1::AppendResponse>* Append(
      grpc::CallbackServerContext* context) override;
  grpc::ServerBidiReactor<v1::FollowRequest, v1::FollowResponse>* Follow(
      grpc::CallbackServerContext* context) override;
  grpc::ServerBidiReactor<v1::SampleRequest, v1::SampleResponse>* Sample(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* Checkpoint(grpc::CallbackServerContext* context,
                                       const v1::CheckpointRequest* request,
                                       v1::CheckpointResponse* response) override;

 private:
  Shard& shard_;
  const std::shared_ptr<DrainSignal> drain_;
};

}  // namespace estuary::replay
