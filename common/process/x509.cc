#include "common/process/x509.h"

#include <arpa/inet.h>
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <ctime>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"

namespace estuary::process {
namespace {

using Bio = std::unique_ptr<BIO, int (*)(BIO*)>;

Bio Reader(absl::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free);
}

std::string NameOf(const X509_NAME* name) {
  const Bio bio(BIO_new(BIO_s_mem()), &BIO_free);
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, size);
}

absl::Time TimeOf(const ASN1_TIME* time) {
  std::tm fields{};
  if (ASN1_TIME_to_tm(time, &fields) != 1) return absl::InfinitePast();
  return absl::FromTM(fields, absl::UTCTimeZone());
}

std::string TextOf(const ASN1_STRING* string) {
  return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
                     ASN1_STRING_length(string));
}

std::string AddressOf(const ASN1_OCTET_STRING* address) {
  char text[INET6_ADDRSTRLEN] = "";
  const int family = ASN1_STRING_length(address) == 4 ? AF_INET : AF_INET6;
  inet_ntop(family, ASN1_STRING_get0_data(address), text, sizeof(text));
  return text;
}

// A key that is locked by a password cannot be used by a process that starts by itself.
int NoPassword(char*, int, int, void*) { return 0; }

}  // namespace

std::string OpenSslError() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  if (code == 0) return "unknown error of OpenSSL";
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : absl::StrCat("OpenSSL error ", code);
}

absl::StatusOr<std::vector<Certificate>> ParseCertificates(absl::string_view pem,
                                                           const std::string& file) {
  const Bio bio = Reader(pem);
  std::vector<Certificate> certificates;
  ERR_clear_error();
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, &NoPassword, nullptr)) {
    certificates.emplace_back(certificate);
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string why = OpenSslError();
  if (certificates.empty() || !at_end) {
    return absl::InvalidArgumentError(absl::StrCat("'", file,
                                                   "' holds no certificates in PEM form (", why,
                                                   "); `estuary certs issue` writes such files"));
  }
  return certificates;
}

absl::StatusOr<PrivateKey> ParsePrivateKey(absl::string_view pem, const std::string& file) {
  const Bio bio = Reader(pem);
  ERR_clear_error();
  PrivateKey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &NoPassword, nullptr));
  if (key == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", file, "' holds no private key in PEM form without a password (",
                     OpenSslError(), "); `estuary certs issue` writes one"));
  }
  return key;
}

CertificateFacts Describe(const X509& certificate) {
  CertificateFacts facts;
  facts.subject = NameOf(X509_get_subject_name(&certificate));
  facts.issuer = NameOf(X509_get_issuer_name(&certificate));
  facts.not_before = TimeOf(X509_get0_notBefore(&certificate));
  facts.not_after = TimeOf(X509_get0_notAfter(&certificate));
  BIGNUM* serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(&certificate), nullptr);
  if (char* hex = serial != nullptr ? BN_bn2hex(serial) : nullptr) {
    facts.serial = hex;
    OPENSSL_free(hex);
  }
  BN_free(serial);
  // OpenSSL caches what it parses here, in an object that is constant to everybody else.
  X509* cached = const_cast<X509*>(&certificate);
  facts.is_authority = X509_check_ca(cached) == 1;
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type == GEN_URI) facts.uris.push_back(TextOf(name->d.uniformResourceIdentifier));
    if (name->type == GEN_DNS) facts.dns.push_back(TextOf(name->d.dNSName));
    if (name->type == GEN_IPADD) facts.ips.push_back(AddressOf(name->d.iPAddress));
  }
  GENERAL_NAMES_free(names);
  return facts;
}

bool NamesHost(const X509& certificate, const std::string& host) {
  X509* cached = const_cast<X509*>(&certificate);
  if (X509_check_ip_asc(cached, host.c_str(), 0) == 1) return true;
  return X509_check_host(cached, host.c_str(), host.size(), X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
                         nullptr) == 1;
}

std::string FormatUtc(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", time, absl::UTCTimeZone());
}

}  // namespace estuary::process
