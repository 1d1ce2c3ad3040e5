// Who an actor is within its run. Its name is what the replay counts its rows by, so no two that
// run at once may share one; its index is what its random numbers come from.
//
// Numbered actors are told apart by who starts them. Replicas are started alike, as many as an
// orchestrator pleases (a scaled container, a pod): each goes by its host's name, which the
// orchestrator makes unique. A replica that comes back under its name goes on with its rows; one
// under a new name begins a sequence of its own.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace estuary::actor {

struct Identity {
  std::string name;
  int index = 0;
  bool replica = false;
};

// "actor-3".
Identity Numbered(int index);
// By that name; INVALID_ARGUMENT where the host has no name.
absl::StatusOr<Identity> ReplicaOn(absl::string_view host);
// On this host.
absl::StatusOr<Identity> ReplicaHere();

}  // namespace estuary::actor
