// /metrics over mutual TLS. The library's own web server knows no TLS that fits Debian's OpenSSL,
// and what a scraper needs is small: one request a connection, GET /metrics, whose certificate has
// a role that may read metrics. GET /health is for every role.
//
// One thread, one connection at a time, each with seconds to live; a client that dawdles delays the
// next scrape and nothing else.
#pragma once

#include <prometheus/collectable.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/process/tls.h"

namespace estuary::process {

class HttpsMetrics {
 public:
  // UNAVAILABLE names an address that cannot be had.
  static absl::StatusOr<std::unique_ptr<HttpsMetrics>> Start(
      const std::string& address, std::shared_ptr<Tls> tls,
      std::shared_ptr<prometheus::Collectable> metrics);
  ~HttpsMetrics();

  int port() const;

 private:
  struct Impl;
  explicit HttpsMetrics(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace estuary::process
