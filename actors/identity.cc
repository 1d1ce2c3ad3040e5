#include "actors/identity.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>

#include "absl/strings/str_cat.h"
#include "common/process/crc32c.h"

namespace estuary::actor {

Identity Numbered(int index) {
  return {.name = absl::StrCat("actor-", index), .index = index, .replica = false};
}

absl::StatusOr<Identity> ReplicaOn(absl::string_view host) {
  if (host.empty()) {
    return absl::InvalidArgumentError(
        "--replica names the actor by its host, and this host has no name; give --index instead");
  }
  const uint32_t sum = process::Crc32c(host);
  return Identity{.name = std::string(host),
                  .index = static_cast<int>(sum & std::numeric_limits<int>::max()),
                  .replica = true};
}

absl::StatusOr<Identity> ReplicaHere() {
  char host[256] = {};
  if (gethostname(host, sizeof(host) - 1) != 0) {
    return absl::InternalError(absl::StrCat("the host's name cannot be read: ", strerror(errno)));
  }
  return ReplicaOn(host);
}

}  // namespace estuary::actor
