// Serves /metrics and /health over HTTP, in plaintext or over mutual TLS. The metrics library's own
// web server knows no TLS that fits Debian's OpenSSL and adds metrics of its own, and what a
// scraper needs is small: one request a connection, and with TLS a certificate whose role may read
// metrics.
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

class ScrapeServer {
 public:
  // No TLS: null. UNAVAILABLE names an address that cannot be had.
  static absl::StatusOr<std::unique_ptr<ScrapeServer>> Start(
      const std::string& address, std::shared_ptr<Tls> tls,
      std::shared_ptr<prometheus::Collectable> metrics);
  ~ScrapeServer();

  int port() const;

 private:
  struct Impl;
  explicit ScrapeServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace estuary::process
