// Where a process serves /metrics, if anywhere: over TLS where it has certificates, else in
// plaintext where no other machine reaches it, unless a flag says otherwise (security.h).
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/process/metrics.h"

namespace estuary::process {

class ScrapeServer;
struct Security;

// While it lives.
class MetricsServer {
 public:
  // `address` as "127.0.0.1:9101"; empty: serves nowhere. UNAVAILABLE names an address in use.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(const std::string& address,
                                                              const Metrics& metrics);
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(const std::string& address,
                                                              const Metrics& metrics,
                                                              const Security& security);
  ~MetricsServer();

 private:
  explicit MetricsServer(std::unique_ptr<ScrapeServer> server);

  // Null: nowhere.
  std::unique_ptr<ScrapeServer> server_;
};

}  // namespace estuary::process
