#include "common/process/metrics_server.h"

#include <prometheus/exposer.h>

#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/process/address.h"
#include "common/process/https_metrics.h"
#include "common/process/process_metrics.h"
#include "common/process/security.h"
#include "common/process/status.h"

namespace estuary::process {

struct MetricsServer::Impl {
  std::shared_ptr<prometheus::Collectable> view;
  std::unique_ptr<prometheus::Exposer> exposer;
  std::unique_ptr<HttpsMetrics> https;
};

MetricsServer::MetricsServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MetricsServer::~MetricsServer() = default;

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(const std::string& address,
                                                                    const Metrics& metrics) {
  return Start(address, metrics, ProcessSecurity());
}

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(const std::string& address,
                                                                    const Metrics& metrics,
                                                                    const Security& security) {
  auto impl = std::make_unique<Impl>();
  impl->view = ScrapeView(metrics);
  if (!address.empty() && security.tls != nullptr && !security.metrics_insecure) {
    ESTUARY_ASSIGN_OR_RETURN(impl->https, HttpsMetrics::Start(address, security.tls, impl->view));
  } else if (!address.empty()) {
    if (!security.metrics_insecure && !security.insecure && !IsLocal(address)) {
      return absl::InvalidArgumentError(
          absl::StrCat("refusing to serve metrics in plaintext at ", address,
                       ", which other machines reach; give --tls=DIR, use 127.0.0.1, or say "
                       "--metrics_insecure"));
    }
    try {
      impl->exposer = std::make_unique<prometheus::Exposer>(address, /*num_threads=*/1);
      impl->exposer->RegisterCollectable(impl->view);
    } catch (const std::exception& e) {
      return absl::UnavailableError(absl::StrCat("cannot serve metrics at ", address, ": ",
                                                 e.what(), "; is the port in use?"));
    }
  }
  return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(impl)));
}

}  // namespace estuary::process
