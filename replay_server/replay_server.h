// The replay server as one object: a shard, served. Tests start it in their own process.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/process/metrics_server.h"
#include "common/process/server.h"
#include "replay_server/service.h"
#include "replay_server/shard.h"

namespace estuary::replay {

class ReplayServer {
 public:
  struct Options {
    Shard::Options shard;
    process::Server::Options server;
    // As process::MetricsServer.
    std::string metrics_address;
  };

  static absl::StatusOr<std::unique_ptr<ReplayServer>> Start(const Options& options);
  // As Stop, without saying how it went.
  ~ReplayServer();

  const std::vector<std::string>& addresses() const { return server_->addresses(); }
  Shard& shard() { return *shard_; }

  // Ends every stream once what it sent is stored and acknowledged, then writes the last
  // checkpoint. Idempotent.
  absl::Status Stop();

 private:
  ReplayServer() = default;

  process::Metrics metrics_;
  std::unique_ptr<Shard> shard_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<process::Server> server_;
  std::unique_ptr<process::MetricsServer> metrics_server_;
  bool stopped_ = false;
};

}  // namespace estuary::replay
