#include "common/certificates/lab.h"

#include <arpa/inet.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/certificates/authority.h"
#include "common/process/files.h"
#include "common/process/status.h"
#include "common/process/tls_files.h"
#include "common/process/x509.h"

namespace estuary::certificates {
namespace {

bool IsIp(const std::string& host) {
  unsigned char address[sizeof(in6_addr)];
  return inet_pton(AF_INET, host.c_str(), address) == 1 ||
         inet_pton(AF_INET6, host.c_str(), address) == 1;
}

// Whether what is there will do.
bool IsGood(const std::string& folder, const std::string& ca_pem, const LabMember& member,
            const LabOptions& options) {
  const absl::StatusOr<process::TlsFiles> files = process::LoadTlsFiles(folder, options.now);
  if (!files.ok() || files->ca_pem != ca_pem ||
      files->identity.Words() != member.identity.Words() ||
      files->not_after < options.now + options.renew_before) {
    return false;
  }
  const auto certificates = process::ParseCertificates(files->certificate_pem, folder);
  if (!certificates.ok()) return false;
  const auto named = [&certificates](const std::string& host) {
    return process::NamesHost(*certificates->front(), host);
  };
  return std::all_of(member.dns.begin(), member.dns.end(), named) &&
         std::all_of(member.ips.begin(), member.ips.end(), named);
}

}  // namespace

absl::StatusOr<LabMember> ParseLabMember(const std::string& text) {
  const std::pair<std::string, std::string> halves = absl::StrSplit(text, absl::MaxSplits('=', 1));
  const std::pair<std::string, std::string> identity =
      absl::StrSplit(halves.first, absl::MaxSplits(':', 1));
  LabMember member;
  const absl::StatusOr<process::Role> role = process::ParseRole(identity.first);
  if (!role.ok()) return process::Annotate(role.status(), absl::StrCat("'", text, "'"));
  member.identity.role = *role;
  member.identity.name = identity.second.empty() ? identity.first : identity.second;
  ESTUARY_RETURN_IF_ERROR(process::Annotate(process::CheckIdentityName(member.identity.name),
                                            absl::StrCat("'", text, "'")));
  for (const absl::string_view host : absl::StrSplit(halves.second, ',', absl::SkipEmpty())) {
    (IsIp(std::string(host)) ? member.ips : member.dns).emplace_back(host);
  }
  return member;
}

absl::StatusOr<std::vector<std::string>> IssueLab(const LabOptions& options,
                                                  const std::vector<LabMember>& members) {
  const std::string authority = options.folder + "/authority";
  std::error_code error;
  if (!std::filesystem::exists(authority + "/ca.pem", error)) {
    ESTUARY_RETURN_IF_ERROR(CreateAuthority(authority, {.name = options.name, .now = options.now}));
  }
  ESTUARY_ASSIGN_OR_RETURN(const std::string ca_pem, process::ReadFile(authority + "/ca.pem"));
  std::vector<std::string> issued;
  for (const LabMember& member : members) {
    const std::string folder = absl::StrCat(options.folder, "/", member.identity.name);
    if (IsGood(folder, ca_pem, member, options)) continue;
    ESTUARY_RETURN_IF_ERROR(Issue(authority, folder,
                                  {.identity = member.identity,
                                   .dns = member.dns,
                                   .ips = member.ips,
                                   .validity = options.validity,
                                   .now = options.now,
                                   .replace = true}));
    issued.push_back(member.identity.name);
  }
  return issued;
}

}  // namespace estuary::certificates
