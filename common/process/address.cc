#include "common/process/address.h"

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace estuary::process {

bool IsUnixSocket(const std::string& address) {
  return absl::StartsWith(address, "unix:") || absl::StartsWith(address, "unix-abstract:");
}

std::string HostOf(const std::string& address) {
  if (IsUnixSocket(address)) return "";
  const absl::string_view rest = absl::StripPrefix(address, "dns:///");
  const size_t bracket = rest.find(']');
  if (absl::StartsWith(rest, "[") && bracket != absl::string_view::npos) {
    return std::string(rest.substr(1, bracket - 1));
  }
  return std::string(rest.substr(0, rest.rfind(':')));
}

bool IsLocal(const std::string& address) {
  if (IsUnixSocket(address)) return true;
  const std::string host = HostOf(address);
  return absl::StartsWith(host, "127.") || host == "localhost" || host == "::1";
}

}  // namespace estuary::process
