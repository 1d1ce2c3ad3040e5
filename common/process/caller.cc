#include "common/process/caller.h"

#include <grpc/grpc_security_constants.h>

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "common/process/log.h"
#include "common/process/metrics.h"
#include "common/process/process_metric_families.h"
#include "common/process/status.h"
#include "common/process/tls.h"
#include "common/process/tls_files.h"

namespace estuary::process {
namespace {

constexpr absl::Duration kBetweenWords = absl::Seconds(10);

class Gate final : public grpc::AuthMetadataProcessor {
 public:
  explicit Gate(std::shared_ptr<Tls> tls) : tls_(std::move(tls)) {}

  bool IsBlocking() const override { return false; }

  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext* context, OutputMetadata*,
                       OutputMetadata*) override {
    const auto path = metadata.find(":path");
    const std::string method =
        path == metadata.end() ? "" : std::string(path->second.data(), path->second.size());
    const Caller caller = CallerOf(*context);
    const absl::Status status = CheckCall(caller, method);
    if (!status.ok()) CountRefusal(caller, IsKnownMethod(method) ? method : "other", status);
    return ToGrpc(status);
  }

 private:
  const std::shared_ptr<Tls> tls_;
};

}  // namespace

Caller CallerOf(const grpc::AuthContext& context) {
  const auto kind = context.FindPropertyValues(GRPC_TRANSPORT_SECURITY_TYPE_PROPERTY_NAME);
  const bool tls = !kind.empty() && (kind[0] == GRPC_TLS_TRANSPORT_SECURITY_TYPE ||
                                     kind[0] == GRPC_SSL_TRANSPORT_SECURITY_TYPE);
  if (!tls) return {.trusted = true};
  std::vector<std::string> uris;
  for (const grpc::string_ref& uri : context.FindPropertyValues(GRPC_PEER_URI_PROPERTY_NAME)) {
    uris.emplace_back(uri.data(), uri.size());
  }
  return CallerWithUris(uris);
}

Caller CallerOf(const grpc::ServerContextBase& context) {
  const auto auth = context.auth_context();
  return auth == nullptr ? Caller{.trusted = true} : CallerOf(*auth);
}

void CountRefusal(const Caller& caller, const std::string& what, const absl::Status& status) {
  const std::string role =
      caller.identity ? std::string(RoleName(caller.identity->role)) : std::string("none");
  ProcessMetrics()
      .Counter(ProcessFamily("estuary_process_refused_calls_total"),
               {{"role", role}, {"method", what}})
      .Increment();
  static std::atomic<int64_t> next_word{0};
  const absl::Time now = absl::Now();
  int64_t next = next_word.load();
  if (absl::ToUnixMillis(now) < next ||
      !next_word.compare_exchange_strong(next, absl::ToUnixMillis(now + kBetweenWords))) {
    return;
  }
  spdlog::warn("refused: {}", std::string(status.message()));
}

absl::Status AuthorizeAppend(const Caller& caller, const std::string& table) {
  const absl::Status status = CheckAppend(caller, table);
  if (!status.ok()) CountRefusal(caller, "/estuary.v1.Replay/Append", status);
  return status;
}

std::shared_ptr<grpc::AuthMetadataProcessor> MakeGate(std::shared_ptr<Tls> tls) {
  return std::make_shared<Gate>(std::move(tls));
}

}  // namespace estuary::process
