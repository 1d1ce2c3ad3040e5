// Certificates as OpenSSL holds them: owning pointers, reading PEM, and what a certificate says.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace estuary::process {

struct OpenSslDelete {
  void operator()(X509* x) const { X509_free(x); }
  void operator()(EVP_PKEY* k) const { EVP_PKEY_free(k); }
};
using Certificate = std::unique_ptr<X509, OpenSslDelete>;
using PrivateKey = std::unique_ptr<EVP_PKEY, OpenSslDelete>;

// Every certificate in the text, one at least. `file` is for errors.
absl::StatusOr<std::vector<Certificate>> ParseCertificates(absl::string_view pem,
                                                           const std::string& file);
absl::StatusOr<PrivateKey> ParsePrivateKey(absl::string_view pem, const std::string& file);

struct CertificateFacts {
  std::string subject;
  std::string issuer;
  std::string serial;
  absl::Time not_before;
  absl::Time not_after;
  std::vector<std::string> uris;
  std::vector<std::string> dns;
  std::vector<std::string> ips;
  bool is_authority = false;
};
CertificateFacts Describe(const X509& certificate);

// Whether `certificate` is one for `host`, a name or an IP address.
bool NamesHost(const X509& certificate, const std::string& host);

// "2026-11-23 02:32:04 UTC"
std::string FormatUtc(absl::Time time);

// OpenSSL's newest error in words; clears its list.
std::string OpenSslError();

}  // namespace estuary::process
