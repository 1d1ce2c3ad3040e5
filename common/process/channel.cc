#include "common/process/channel.h"

#include <grpc/grpc.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <chrono>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/process/address.h"
#include "common/process/explain.h"
#include "common/process/log.h"
#include "common/process/shutdown.h"

namespace estuary::process {

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address, std::optional<Role> server,
                                           const Security& security,
                                           const std::string& server_name) {
  // Held until the process ends: when the last channel of a process goes, gRPC would shut down, and
  // that can wait 10 s for a poll of its own.
  static const bool held = [] {
    grpc_init();
    return true;
  }();
  static_cast<void>(held);
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(64 << 20);
  arguments.SetMaxSendMessageSize(64 << 20);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 10'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  // Despite its name: how long one attempt may take. A busy machine takes its time to answer.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 500);
  // Two clients of one process to one server keep their own connections, so that a stream that is
  // not read cannot hold up another's flow control.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  if (security.tls != nullptr && !IsUnixSocket(address)) {
    return grpc::CreateCustomChannel(address, security.tls->ForClient(address, server, server_name),
                                     arguments);
  }
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  if (const absl::Status allowed = CheckPlaintext(security, address, "call"); allowed.ok()) {
    credentials = grpc::InsecureChannelCredentials();
  } else {
    spdlog::error("{}", std::string(allowed.message()));
  }
  return grpc::CreateCustomChannel(address, credentials, arguments);
}

absl::Status WaitForPeer(grpc::Channel& channel, const std::string& who, const std::string& address,
                         absl::Duration timeout) {
  const absl::Time start = absl::Now();
  absl::Time next_word = start + absl::Seconds(5);
  while (!channel.WaitForConnected(std::chrono::system_clock::now() +
                                   std::chrono::milliseconds(100))) {
    if (ShutdownRequested()) {
      return absl::CancelledError(
          absl::StrCat("stopped while waiting for the ", who, " at ", address));
    }
    const absl::Time now = absl::Now();
    if (now - start >= timeout) {
      return absl::UnavailableError(
          absl::StrCat("the ", who, " at ", address, " does not answer (tried for ",
                       absl::FormatDuration(timeout), "): ", WhyNoAnswer(address, std::nullopt)));
    }
    if (now >= next_word) {
      spdlog::info("waiting for the {} at {} since {}: {}", who, address,
                   absl::FormatDuration(absl::Trunc(now - start, absl::Seconds(1))),
                   WhyNoAnswer(address, std::nullopt));
      next_word = now + absl::Seconds(5);
    }
  }
  return absl::OkStatus();
}

void SetDeadline(grpc::ClientContext& context, absl::Duration timeout) {
  context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
}

}  // namespace estuary::process
