// Who may do what. A *role* is what a process is; its certificate says so in a URI among its
// subject alternative names, estuary://ROLE/NAME (estuary://robot/wl-01). The whole of the rules is
// the tables in roles.cc, by name, so that this file knows no service; a method that stands in no
// table is refused to everybody.
//
// Callers on Unix sockets and plaintext loopback have no certificate: the file system and the
// machine's users are their gate, and they may do everything.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace estuary::process {

enum class Role { kReplay, kLearner, kActor, kEvaluator, kBridge, kRobot, kOperator, kViewer };

inline constexpr Role kAllRoles[] = {Role::kReplay,    Role::kLearner, Role::kActor,
                                     Role::kEvaluator, Role::kBridge,  Role::kRobot,
                                     Role::kOperator,  Role::kViewer};

absl::string_view RoleName(Role role);
// INVALID_ARGUMENT lists the roles.
absl::StatusOr<Role> ParseRole(absl::string_view name);

// What a certificate says about its holder.
struct Identity {
  Role role = Role::kViewer;
  std::string name;

  // "robot 'wl-01'"
  std::string Words() const;
  // "estuary://robot/wl-01"
  std::string Uri() const;
};

// Letters, digits, '.', '_' and '-', 64 at most: a name stands in URIs, files and logs.
absl::Status CheckIdentityName(absl::string_view name);
// INVALID_ARGUMENT says what is wrong with the URI.
absl::StatusOr<Identity> ParseIdentity(absl::string_view uri);

// Who calls.
struct Caller {
  // Came over a Unix socket or in plaintext: no certificate was asked for.
  bool trusted = false;
  // Absent: a certificate without a role.
  std::optional<Identity> identity = {};

  std::string Words() const;
};

// `method` as on the wire, "/estuary.v1.Replay/Append". PERMISSION_DENIED names the caller, what it
// wanted, and who may.
absl::Status CheckCall(const Caller& caller, absl::string_view method);
// Writing to a table, once the stream says which.
absl::Status CheckAppend(const Caller& caller, absl::string_view table);
// Reading a process's metrics.
absl::Status CheckScrape(const Caller& caller);

// Roles that serve calls; others may not pose as a server.
bool Serves(Role role);

// The rules as docs/security.md shows them: what, and the roles that may.
struct Rule {
  std::string what;
  std::vector<Role> roles;
};
std::vector<Rule> AllRules();
// Whether some rule names the method.
bool IsKnownMethod(absl::string_view method);

}  // namespace estuary::process
