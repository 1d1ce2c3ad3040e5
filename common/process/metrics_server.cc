#include "common/process/metrics_server.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/process/address.h"
#include "common/process/process_metrics.h"
#include "common/process/scrape_server.h"
#include "common/process/security.h"
#include "common/process/status.h"

namespace estuary::process {

MetricsServer::MetricsServer(std::unique_ptr<ScrapeServer> server) : server_(std::move(server)) {}
MetricsServer::~MetricsServer() = default;

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(const std::string& address,
                                                                    const Metrics& metrics) {
  return Start(address, metrics, ProcessSecurity());
}

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(const std::string& address,
                                                                    const Metrics& metrics,
                                                                    const Security& security) {
  std::unique_ptr<ScrapeServer> server;
  const bool secure = security.tls != nullptr && !security.metrics_insecure;
  if (!address.empty()) {
    if (!secure && !security.metrics_insecure && !security.insecure && !IsLocal(address)) {
      return absl::InvalidArgumentError(
          absl::StrCat("refusing to serve metrics in plaintext at ", address,
                       ", which other machines reach; give --tls=DIR, use 127.0.0.1, or say "
                       "--metrics_insecure"));
    }
    ESTUARY_ASSIGN_OR_RETURN(
        server, ScrapeServer::Start(address, secure ? security.tls : nullptr, ScrapeView(metrics)));
  }
  return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(server)));
}

}  // namespace estuary::process
