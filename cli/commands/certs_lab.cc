// estuary certs lab: all certificates of a cluster at once.
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/commands.h"
#include "common/certificates/lab.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

struct Options {
  std::string output = "certs";
  std::string name = "estuary";
  uint64_t days = 365;
};

absl::Status Lab(const Options& options, const std::vector<std::string>& words) {
  std::vector<certificates::LabMember> members;
  for (const std::string& word : words) {
    ESTUARY_ASSIGN_OR_RETURN(certificates::LabMember member, certificates::ParseLabMember(word));
    members.push_back(std::move(member));
  }
  if (members.empty()) {
    return absl::InvalidArgumentError(
        "whose certificates? Give ROLE[:NAME][=HOST,HOST] for each, as replay=replay-0,10.0.0.11");
  }
  if (options.days == 0) return absl::InvalidArgumentError("--days must be above 0");
  ESTUARY_ASSIGN_OR_RETURN(
      const std::vector<std::string> issued,
      certificates::IssueLab({.folder = options.output,
                              .name = options.name,
                              .validity = absl::Hours(24) * static_cast<int64_t>(options.days)},
                             members));
  std::printf("%s: %zu certificates, issued now: %s\n", options.output.c_str(), members.size(),
              issued.empty() ? "none" : absl::StrJoin(issued, ", ").c_str());
  return absl::OkStatus();
}

}  // namespace

Command CertsLabCommand() {
  return {
      .name = "certs lab",
      .arguments = "MEMBER...",
      .summary = "Make an authority and all certificates of a cluster, where they are missing",
      .details =
          "MEMBER is ROLE[:NAME][=HOST,HOST...]: replay:replay-0=replay-0,10.0.0.11. The folder\n"
          "holds authority/ and one folder a member, for its --tls. Certificates that are good\n"
          "for another month stay as they are.",
      .prepare = [](Flags& flags) -> Command::Run {
        auto options = std::make_shared<Options>();
        flags.Add("output", &options->output, "DIR", "where the folders are");
        flags.Add("name", &options->name, "NAME", "the lab's name");
        flags.Add("days", &options->days, "N", "how long a certificate is valid");
        return [options](const std::vector<std::string>& words) { return Lab(*options, words); };
      }};
}

}  // namespace estuary::cli
