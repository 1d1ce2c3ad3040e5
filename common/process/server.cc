#include "common/process/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <mutex>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "common/process/address.h"
#include "common/process/status.h"

namespace estuary::process {
namespace {

// gRPC takes over any socket file it finds, which is right where a killed process left it and theft
// where another process serves it.
bool IsServed(const std::string& socket_path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof(name.sun_path)) return false;
  std::memcpy(name.sun_path, socket_path.data(), socket_path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const bool served = connect(fd, reinterpret_cast<sockaddr*>(&name), sizeof(name)) == 0;
  close(fd);
  return served;
}

absl::Status InUse(const std::string& address) {
  return absl::UnavailableError(absl::StrCat("cannot listen at ", address,
                                             ": is the port in use, or another process there?"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const Options& options,
                                                      const std::vector<grpc::Service*>& services) {
  if (options.addresses.empty()) return absl::InvalidArgumentError("no address to listen at");
  static std::once_flag plugins;
  std::call_once(plugins, [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  });
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(64 << 20);
  builder.SetMaxSendMessageSize(64 << 20);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // Two processes sharing a port would each get a part of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  std::vector<int> ports(options.addresses.size(), 0);
  for (size_t i = 0; i < options.addresses.size(); ++i) {
    const std::string& address = options.addresses[i];
    ESTUARY_RETURN_IF_ERROR(CheckPlaintext(options.security, address, "serve"));
    if (absl::StartsWith(address, "unix:") &&
        IsServed(std::string(absl::StripPrefix(address, "unix:")))) {
      return InUse(address);
    }
    const bool tls = options.security.tls != nullptr && !IsUnixSocket(address);
    builder.AddListeningPort(
        address, tls ? options.security.tls->ForServer() : grpc::InsecureServerCredentials(),
        &ports[i]);
  }
  for (grpc::Service* service : services) builder.RegisterService(service);
  auto server = std::unique_ptr<Server>(new Server());
  server->server_ = builder.BuildAndStart();
  if (server->server_ == nullptr) {
    std::string which = options.addresses[0];
    for (size_t i = 0; i < ports.size(); ++i) {
      if (ports[i] == 0) {
        which = options.addresses[i];
        break;
      }
    }
    return InUse(which);
  }
  for (size_t i = 0; i < options.addresses.size(); ++i) {
    std::string address = options.addresses[i];
    if (!absl::StartsWith(address, "unix:")) {
      address = absl::StrCat(address.substr(0, address.rfind(':')), ":", ports[i]);
    }
    server->addresses_.push_back(address);
  }
  return server;
}

void Server::Drain(absl::Duration grace) {
  if (server_ == nullptr) return;
  if (auto* health = server_->GetHealthCheckService()) health->SetServingStatus(false);
  server_->Shutdown(absl::ToChronoTime(absl::Now() + grace));
  server_->Wait();
  server_.reset();
}

Server::~Server() { Drain(absl::ZeroDuration()); }

}  // namespace estuary::process
