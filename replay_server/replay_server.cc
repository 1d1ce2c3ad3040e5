#include "replay_server/replay_server.h"

#include "common/process/log.h"
#include "common/process/status.h"

namespace estuary::replay {
namespace {

constexpr absl::Duration kGrace = absl::Seconds(5);

}  // namespace

absl::StatusOr<std::unique_ptr<ReplayServer>> ReplayServer::Start(const Options& options) {
  auto server = std::unique_ptr<ReplayServer>(new ReplayServer());
  // Until there is a service nothing can be stopped.
  server->stopped_ = true;
  ESTUARY_ASSIGN_OR_RETURN(server->shard_, Shard::Open(options.shard, server->metrics_));
  server->service_ = std::make_unique<Service>(*server->shard_);
  ESTUARY_ASSIGN_OR_RETURN(server->metrics_server_, process::MetricsServer::Start(
                                                        options.metrics_address, server->metrics_));
  ESTUARY_ASSIGN_OR_RETURN(server->server_,
                           process::Server::Start(options.server, {server->service_.get()}));
  server->stopped_ = false;
  return server;
}

absl::Status ReplayServer::Stop() {
  if (stopped_) return absl::OkStatus();
  stopped_ = true;
  service_->Drain();
  server_->Drain(kGrace);
  return shard_->Checkpoint().status();
}

ReplayServer::~ReplayServer() {
  const absl::Status status = Stop();
  if (!status.ok()) {
    spdlog::error("the last checkpoint failed: {}", std::string(status.message()));
  }
}

}  // namespace estuary::replay
