// estuary certs ...: a certificate authority for a lab, and certificates for its processes.
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "cli/commands/commands.h"
#include "common/certificates/authority.h"
#include "common/process/files.h"
#include "common/process/status.h"
#include "common/process/tls_files.h"
#include "common/process/x509.h"

namespace estuary::cli {
namespace {

constexpr absl::Duration kDay = absl::Hours(24);
constexpr uint64_t kMostDays = 36500;

absl::StatusOr<absl::Duration> Days(uint64_t days) {
  if (days >= 1 && days <= kMostDays) return kDay * static_cast<int64_t>(days);
  return absl::InvalidArgumentError(
      absl::StrCat("--days is ", days, "; it must be from 1 to ", kMostDays));
}

std::vector<std::string> List(const std::string& text) {
  return absl::StrSplit(text, ',', absl::SkipWhitespace());
}

absl::Status PrintCertificates(const std::string& path) {
  ESTUARY_ASSIGN_OR_RETURN(const std::string pem, process::ReadFile(path));
  ESTUARY_ASSIGN_OR_RETURN(const auto certificates, process::ParseCertificates(pem, path));
  for (const process::Certificate& certificate : certificates) {
    const process::CertificateFacts facts = process::Describe(*certificate);
    std::vector<std::string> names = facts.uris;
    names.insert(names.end(), facts.dns.begin(), facts.dns.end());
    names.insert(names.end(), facts.ips.begin(), facts.ips.end());
    std::printf("%s\n  subject  %s\n", path.c_str(), facts.subject.c_str());
    if (!names.empty()) std::printf("  names    %s\n", absl::StrJoin(names, ", ").c_str());
    std::printf("  issuer   %s\n  valid    %s to %s\n  serial   %s\n", facts.issuer.c_str(),
                process::FormatUtc(facts.not_before).c_str(),
                process::FormatUtc(facts.not_after).c_str(), facts.serial.c_str());
  }
  return absl::OkStatus();
}

struct InitOptions {
  std::string output = "certs/authority";
  std::string name = "estuary";
  uint64_t days = 365 * 5;
  bool rotate = false;
  bool retire = false;
};

absl::Status Init(const InitOptions& options) {
  if (options.retire) {
    if (options.rotate) return absl::InvalidArgumentError("give --rotate or --retire, not both");
    ESTUARY_ASSIGN_OR_RETURN(const int dropped, certificates::RetireAuthorities(options.output));
    std::printf(
        "%s/ca.pem: %d former authorities are no longer trusted. Give it to every process.\n",
        options.output.c_str(), dropped);
    return absl::OkStatus();
  }
  ESTUARY_ASSIGN_OR_RETURN(const absl::Duration validity, Days(options.days));
  const certificates::AuthorityOptions authority{.name = options.name, .validity = validity};
  if (options.rotate) {
    ESTUARY_RETURN_IF_ERROR(certificates::RotateAuthority(options.output, authority));
    std::printf(
        "A new authority is first in %s/ca.pem, the former ones are trusted beside it. Next: give\n"
        "ca.pem to every process, then issue new certificates (--replace), then --retire.\n",
        options.output.c_str());
  } else {
    ESTUARY_RETURN_IF_ERROR(certificates::CreateAuthority(options.output, authority));
    std::printf(
        "An authority is in %s. Who has ca-key.pem can be any process of the lab: keep it off the\n"
        "robots. Next: estuary certs issue --role=ROLE --name=NAME --output=DIR\n",
        options.output.c_str());
  }
  return PrintCertificates(options.output + "/ca.pem");
}

struct IssueFlags {
  std::string authority = "certs/authority";
  std::string role;
  std::string name;
  std::string dns;
  std::string ip;
  std::string output;
  uint64_t days = 365;
  bool replace = false;
};

absl::Status Issue(const IssueFlags& flags) {
  if (flags.role.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--role is needed: ",
        absl::StrJoin(process::kAllRoles, ", ", [](std::string* out, process::Role role) {
          absl::StrAppend(out, process::RoleName(role));
        })));
  }
  certificates::IssueOptions options;
  ESTUARY_ASSIGN_OR_RETURN(options.identity.role, process::ParseRole(flags.role));
  options.identity.name = flags.name.empty() ? flags.role : flags.name;
  options.dns = List(flags.dns);
  options.ips = List(flags.ip);
  options.replace = flags.replace;
  ESTUARY_ASSIGN_OR_RETURN(options.validity, Days(flags.days));
  const std::string output =
      flags.output.empty() ? absl::StrCat("certs/", options.identity.name) : flags.output;
  ESTUARY_RETURN_IF_ERROR(certificates::Issue(flags.authority, output, options));
  if (process::Serves(options.identity.role) && options.dns.empty() && options.ips.empty()) {
    std::printf(
        "Note: clients check a server's name, and this certificate has none: they need --dns=NAME "
        "or "
        "--ip=ADDRESS as they will call it.\n");
  }
  std::printf("For --tls=%s (ca.pem, cert.pem, key.pem):\n", output.c_str());
  return PrintCertificates(output + "/cert.pem");
}

absl::Status Show(const std::string& folder) {
  ESTUARY_RETURN_IF_ERROR(PrintCertificates(folder + "/ca.pem"));
  if (!process::ReadFile(folder + "/cert.pem").ok() &&
      process::ReadFile(folder + "/ca-key.pem").ok()) {
    return absl::OkStatus();
  }
  ESTUARY_RETURN_IF_ERROR(PrintCertificates(folder + "/cert.pem"));
  ESTUARY_ASSIGN_OR_RETURN(const process::TlsFiles files,
                           process::LoadTlsFiles(folder, absl::Now()));
  std::printf("Good: all three files fit together, for %s.\n", files.identity.Words().c_str());
  return absl::OkStatus();
}

}  // namespace

Command CertsInitCommand() {
  return {.name = "certs init",
          .arguments = "",
          .summary = "Make a certificate authority for a lab",
          .details = "docs/security.md says how certificates are made, given out and rotated.",
          .prepare = [](Flags& flags) -> Command::Run {
            auto options = std::make_shared<InitOptions>();
            flags.Add("output", &options->output, "DIR", "the authority's folder");
            flags.Add("name", &options->name, "NAME", "the lab's name");
            flags.Add("days", &options->days, "N", "how long the authority is valid");
            flags.Add("rotate", &options->rotate,
                      "make a new authority beside the one that is there");
            flags.Add("retire", &options->retire, "trust the newest authority alone");
            return [options](const std::vector<std::string>&) { return Init(*options); };
          }};
}

Command CertsIssueCommand() {
  return {.name = "certs issue",
          .arguments = "",
          .summary = "Issue a process's certificate and key, for --tls",
          .details =
              "Roles: replay, learner, actor, evaluator, bridge, robot, operator (people at the\n"
              "robot and at `estuary`), viewer (Prometheus, and who may only look).",
          .prepare = [](Flags& flags) -> Command::Run {
            auto options = std::make_shared<IssueFlags>();
            flags.Add("authority", &options->authority, "DIR", "made by `estuary certs init`");
            flags.Add("role", &options->role, "ROLE", "what the process is");
            flags.Add("name", &options->name, "NAME", "which one it is: wl-01 (default: the role)");
            flags.Add("dns", &options->dns, "NAME,NAME", "names it is called by, as a server");
            flags.Add("ip", &options->ip, "ADDR,ADDR", "addresses it is called by, as a server");
            flags.Add("output", &options->output, "DIR", "(default: certs/NAME)");
            flags.Add("days", &options->days, "N", "how long it is valid");
            flags.Add("replace", &options->replace, "overwrite a certificate that is there");
            return [options](const std::vector<std::string>&) { return Issue(*options); };
          }};
}

Command CertsShowCommand() {
  return {.name = "certs show",
          .arguments = "DIR",
          .summary = "What the certificates in a folder say, and whether they fit together",
          .details = "",
          .prepare = [](Flags&) -> Command::Run {
            return [](const std::vector<std::string>& arguments) { return Show(arguments[0]); };
          }};
}

}  // namespace estuary::cli
