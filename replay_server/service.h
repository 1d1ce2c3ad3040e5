// The Replay service: gRPC's side of a shard, and nothing else.
#pragma once

#include <memory>

#include "estuary/v1/replay.grpc.pb.h"
#include "replay_server/shard.h"
#include "replay_server/stream.h"

namespace estuary::replay {

// Streams that carry many rows to the client write their messages themselves (raw_stream.h).
using ServiceBase = v1::Replay::WithCallbackMethod_Describe<
    v1::Replay::WithCallbackMethod_Append<v1::Replay::WithRawCallbackMethod_Follow<
        v1::Replay::WithRawCallbackMethod_Sample<v1::Replay::WithCallbackMethod_UpdatePriorities<
            v1::Replay::WithCallbackMethod_Checkpoint<v1::Replay::Service>>>>>>;

class Service final : public ServiceBase {
 public:
  explicit Service(Shard& shard) : shard_(shard), drain_(std::make_shared<DrainSignal>()) {}

  // Streams end with UNAVAILABLE as soon as what was taken is stored and acknowledged.
  void Drain();

  grpc::ServerUnaryReactor* Describe(grpc::CallbackServerContext* context,
                                     const v1::DescribeRequest* request,
                                     v1::DescribeResponse* response) override;
  grpc::ServerBidiReactor<v1::AppendRequest, v1::AppendResponse>* Append(
      grpc::CallbackServerContext* context) override;
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Follow(
      grpc::CallbackServerContext* context) override;
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Sample(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* UpdatePriorities(grpc::CallbackServerContext* context,
                                             const v1::UpdatePrioritiesRequest* request,
                                             v1::UpdatePrioritiesResponse* response) override;
  grpc::ServerUnaryReactor* Checkpoint(grpc::CallbackServerContext* context,
                                       const v1::CheckpointRequest* request,
                                       v1::CheckpointResponse* response) override;

 private:
  absl::Status Update(const v1::UpdatePrioritiesRequest& request,
                      v1::UpdatePrioritiesResponse& response);

  Shard& shard_;
  const std::shared_ptr<DrainSignal> drain_;
};

}  // namespace estuary::replay
