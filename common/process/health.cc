#include "common/process/health.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "common/process/address.h"
#include "common/process/channel.h"
#include "common/process/dial.h"
#include "common/process/explain.h"
#include "common/process/openssl_session.h"
#include "common/process/security.h"
#include "common/process/status.h"

namespace estuary::process {
namespace {

constexpr char kHttps[] = "https://";
// gRPC has the health service but not the header of its messages, and these are few bytes:
// HealthCheckRequest { service: "" }, which asks about the server as a whole (left out, gRPC's own
// service would not take the empty message that remains), and HealthCheckResponse { SERVING }.
constexpr absl::string_view kWholeServer("\x0a\x00", 2);
constexpr absl::string_view kServing("\x08\x01", 2);

std::string Flatten(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

absl::Status AskServer(const std::string& address, absl::Duration patience,
                       const Security& security) {
  ESTUARY_RETURN_IF_ERROR(CheckPlaintext(security, address, "call"));
  grpc::GenericStub stub(MakeChannel(address, std::nullopt, security));
  grpc::ClientContext context;
  SetDeadline(context, patience);
  grpc::CompletionQueue queue;
  const grpc::Slice bytes(kWholeServer.data(), kWholeServer.size());
  const grpc::ByteBuffer request(&bytes, 1);
  const auto call =
      stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", request, &queue);
  call->StartCall();
  grpc::ByteBuffer answer;
  grpc::Status status;
  call->Finish(&answer, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  queue.Shutdown();
  if (!status.ok()) {
    return absl::UnavailableError(absl::StrCat(WhyNoAnswer(address, std::nullopt, security), " (",
                                               status.error_message(), ")"));
  }
  if (Flatten(answer) != kServing) return absl::UnavailableError("it does not serve now");
  return absl::OkStatus();
}

absl::Status AskMetricsPort(const std::string& address, absl::Duration patience,
                            const Security& security) {
  if (security.tls == nullptr)
    return absl::InvalidArgumentError("https needs a certificate: --tls=DIR");
  ESTUARY_ASSIGN_OR_RETURN(const int fd, Dial(address, patience));
  ESTUARY_ASSIGN_OR_RETURN(const auto session,
                           OpenSslSession::Connect(fd, *security.tls->files(), patience));
  ESTUARY_RETURN_IF_ERROR(
      session->Write(absl::StrCat("GET /health HTTP/1.1\r\nHost: ", HostOf(address), "\r\n\r\n")));
  ESTUARY_ASSIGN_OR_RETURN(const std::string answer, session->Read());
  if (absl::StartsWith(answer, "HTTP/1.1 200 ")) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("it answers '", answer.substr(0, answer.find('\r')), "'"));
}

}  // namespace

absl::Status CheckHealth(const std::string& address, absl::Duration patience,
                         const Security& security) {
  const absl::Status status =
      absl::StartsWith(address, kHttps)
          ? AskMetricsPort(std::string(absl::StripPrefix(address, kHttps)), patience, security)
          : AskServer(address, patience, security);
  return Annotate(status, absl::StrCat("the process at ", address));
}

}  // namespace estuary::process
