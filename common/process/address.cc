#include "common/process/address.h"

#include <arpa/inet.h>

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
  // "127.evil.example" is a name, not an address.
  in_addr number{};
  const bool is_loopback =
      inet_pton(AF_INET, host.c_str(), &number) == 1 && (ntohl(number.s_addr) >> 24) == 127;
  return is_loopback || host == "localhost" || host == "::1";
}

}  // namespace estuary::process
