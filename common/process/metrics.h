// Prometheus metrics of a process: estuary_<part>_<what>_<unit>.
//
// A family is made once at start and kept; counters and gauges are one atomic each. Hot loops count
// in plain variables of their own and add to the counter now and then; nothing here is for the 200
// Hz path.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace estuary::process {

struct Security;

using Labels = std::map<std::string, std::string>;

class Metrics {
 public:
  Metrics() : registry_(std::make_shared<prometheus::Registry>()) {}

  // The same name and labels give the same metric. References live as long as this object.
  prometheus::Counter& Counter(const std::string& name, const std::string& help,
                               const Labels& labels = {});
  prometheus::Gauge& Gauge(const std::string& name, const std::string& help,
                           const Labels& labels = {});
  prometheus::Histogram& Histogram(const std::string& name, const std::string& help,
                                   const std::vector<double>& buckets, const Labels& labels = {});

  const std::shared_ptr<prometheus::Registry>& registry() const { return registry_; }

 private:
  std::shared_ptr<prometheus::Registry> registry_;
};

// Metrics of what every process has (refused calls, certificates), which /metrics shows beside the
// process's own.
Metrics& ProcessMetrics();

// Serves /metrics while it lives: over TLS where the process has certificates (https_metrics.h),
// else in plaintext where no other machine reaches it, unless a flag says otherwise (security.h).
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
  struct Impl;
  explicit MetricsServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace estuary::process
