#include "replay_server/service.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/process/caller.h"
#include "common/process/status.h"
#include "replay_server/append_stream.h"
#include "replay_server/follow_stream.h"
#include "replay_server/sample_stream.h"

namespace estuary::replay {
namespace {

constexpr int kMostUpdates = 1 << 16;

template <class Kind, class... More>
Kind* Open(Shard& shard, const std::shared_ptr<DrainSignal>& drain, More... more) {
  const auto stream = std::make_shared<Kind>(shard, drain, std::move(more)...);
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
    grpc::CallbackServerContext* context) {
  return Open<AppendStream>(shard_, drain_, process::CallerOf(*context));
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Service::Follow(
    grpc::CallbackServerContext* /*context*/) {
  return Open<FollowStream>(shard_, drain_);
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Service::Sample(
    grpc::CallbackServerContext* /*context*/) {
  return Open<SampleStream>(shard_, drain_);
}

grpc::ServerUnaryReactor* Service::UpdatePriorities(grpc::CallbackServerContext* context,
                                                    const v1::UpdatePrioritiesRequest* request,
                                                    v1::UpdatePrioritiesResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(process::ToGrpc(Update(*request, *response)));
  return reactor;
}

absl::Status Service::Update(const v1::UpdatePrioritiesRequest& request,
                             v1::UpdatePrioritiesResponse& response) {
  if (request.cursor_size() > kMostUpdates) {
    return absl::InvalidArgumentError(absl::StrCat(
        request.cursor_size(), " priorities in one call; at most ", kMostUpdates, " are taken"));
  }
  ESTUARY_ASSIGN_OR_RETURN(ShardTable * table, shard_.Find(request.table()));
  ESTUARY_ASSIGN_OR_RETURN(const Table::Updated done,
                           table->table->UpdatePriorities(request.cursor(), request.priority()));
  response.set_updated(done.updated);
  response.set_gone(done.gone);
  return absl::OkStatus();
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
