#include "common/process/roles.h"

#include <algorithm>
#include <initializer_list>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"

namespace estuary::process {
namespace {

constexpr char kScheme[] = "estuary://";
constexpr size_t kLongestName = 64;

// One bit a role.
using RoleSet = unsigned;

constexpr RoleSet Bit(Role role) { return 1u << static_cast<unsigned>(role); }
constexpr RoleSet Set(std::initializer_list<Role> roles) {
  RoleSet set = 0;
  for (const Role role : roles) set |= Bit(role);
  return set;
}

constexpr RoleSet kEveryone = (1u << std::size(kAllRoles)) - 1;
constexpr RoleSet kServers = Set({Role::kReplay, Role::kLearner, Role::kBridge, Role::kRobot});
constexpr RoleSet kOperators = Set({Role::kOperator});
constexpr RoleSet kWatchers = Set({Role::kOperator, Role::kViewer});

struct MethodRule {
  absl::string_view method;
  RoleSet roles;
};

// Stopping a robot is everyone's right; making it move is an operator's.
constexpr MethodRule kMethods[] = {
    {"/estuary.v1.Replay/Describe",
     kWatchers | Set({Role::kLearner, Role::kActor, Role::kEvaluator, Role::kBridge})},
    {"/estuary.v1.Replay/Append", kOperators | Set({Role::kActor, Role::kBridge, Role::kRobot})},
    {"/estuary.v1.Replay/Follow", kOperators | Set({Role::kLearner})},
    {"/estuary.v1.Replay/Sample", kOperators | Set({Role::kLearner})},
    {"/estuary.v1.Replay/UpdatePriorities", kOperators | Set({Role::kLearner})},
    {"/estuary.v1.Replay/Checkpoint", kOperators | Set({Role::kLearner})},
    {"/estuary.v1.Learner/GetExperiment",
     kWatchers | Set({Role::kActor, Role::kEvaluator, Role::kBridge, Role::kRobot})},
    {"/estuary.v1.Learner/Subscribe",
     kOperators | Set({Role::kActor, Role::kEvaluator, Role::kBridge, Role::kRobot})},
    {"/estuary.v1.Learner/ReportEvaluation", Set({Role::kEvaluator})},
    {"/estuary.v1.Learner/Status",
     kWatchers | Set({Role::kActor, Role::kEvaluator, Role::kBridge, Role::kRobot})},
    {"/estuary.v1.RobotLink/Connect", Set({Role::kRobot})},
    {"/estuary.v1.RobotOperator/Arm", kOperators},
    {"/estuary.v1.RobotOperator/Disarm", kEveryone},
    {"/estuary.v1.RobotOperator/EmergencyStop", kEveryone},
    {"/estuary.v1.RobotOperator/SetMode", kOperators},
    {"/estuary.v1.RobotOperator/Status", kWatchers | Set({Role::kRobot})},
    {"/estuary.v1.RobotOperator/Steer", kOperators},
    {"/estuary.v1.RobotFaults/Inject", kOperators},
    {"/estuary.v1.RobotFaults/Report", kWatchers},
    {"/grpc.health.v1.Health/Check", kEveryone},
    {"/grpc.health.v1.Health/Watch", kEveryone},
    {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", kEveryone},
};

// Table `sim` is the simulators'; every other table holds what is real, under whatever name.
constexpr absl::string_view kSimTable = "sim";
constexpr RoleSet kSimWriters = Set({Role::kActor});
constexpr RoleSet kRealWriters = kOperators | Set({Role::kBridge, Role::kRobot});

std::vector<Role> Roles(RoleSet set) {
  std::vector<Role> roles;
  for (const Role role : kAllRoles) {
    if ((set & Bit(role)) != 0) roles.push_back(role);
  }
  return roles;
}

std::string Names(RoleSet set) {
  return absl::StrJoin(Roles(set), ", ",
                       [](std::string* out, Role role) { absl::StrAppend(out, RoleName(role)); });
}

absl::Status Check(const Caller& caller, RoleSet allowed, absl::string_view what) {
  if (caller.trusted) return absl::OkStatus();
  if (caller.identity && (allowed & Bit(caller.identity->role)) != 0) return absl::OkStatus();
  return absl::PermissionDeniedError(
      absl::StrCat(caller.Words(), " may not ", what, "; these roles may: ", Names(allowed),
                   ". A certificate of another role comes from `estuary certs issue`"));
}

// "/estuary.v1.Replay/Append" as people say it: "Replay.Append".
std::string ShortName(absl::string_view method) {
  const size_t slash = method.rfind('/');
  const absl::string_view service = method.substr(0, slash);
  const size_t start = service.rfind('.');
  if (slash == absl::string_view::npos || start == absl::string_view::npos) {
    return std::string(method);
  }
  return absl::StrCat(service.substr(start + 1), ".", method.substr(slash + 1));
}

const MethodRule* Find(absl::string_view method) {
  for (const MethodRule& rule : kMethods) {
    if (rule.method == method) return &rule;
  }
  return nullptr;
}

}  // namespace

absl::string_view RoleName(Role role) {
  switch (role) {
    case Role::kReplay:
      return "replay";
    case Role::kLearner:
      return "learner";
    case Role::kActor:
      return "actor";
    case Role::kEvaluator:
      return "evaluator";
    case Role::kBridge:
      return "bridge";
    case Role::kRobot:
      return "robot";
    case Role::kOperator:
      return "operator";
    case Role::kViewer:
      return "viewer";
  }
  return "";
}

absl::StatusOr<Role> ParseRole(absl::string_view name) {
  for (const Role role : kAllRoles) {
    if (RoleName(role) == name) return role;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown role '", name, "'; there are ", Names(kEveryone)));
}

std::string Identity::Words() const { return absl::StrCat(RoleName(role), " '", name, "'"); }
std::string Identity::Uri() const { return absl::StrCat(kScheme, RoleName(role), "/", name); }

absl::Status CheckIdentityName(absl::string_view name) {
  const bool fine = !name.empty() && name.size() <= kLongestName &&
                    std::all_of(name.begin(), name.end(), [](char c) {
                      return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
                    });
  if (fine) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("'", name,
                                                 "' is no name for a certificate; it has 1 to ",
                                                 kLongestName, " letters, digits, '.', '_', '-'"));
}

absl::StatusOr<Identity> ParseIdentity(absl::string_view uri) {
  absl::string_view rest = uri;
  const size_t slash = rest.find('/', sizeof(kScheme) - 1);
  if (!absl::ConsumePrefix(&rest, kScheme) || slash == absl::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", uri, "' is no identity; one looks like estuary://robot/wl-01"));
  }
  Identity identity;
  const size_t split = rest.find('/');
  const absl::StatusOr<Role> role = ParseRole(rest.substr(0, split));
  if (!role.ok()) return role.status();
  identity.role = *role;
  const absl::Status name = CheckIdentityName(rest.substr(split + 1));
  if (!name.ok()) return name;
  identity.name = std::string(rest.substr(split + 1));
  return identity;
}

std::string Caller::Words() const {
  if (trusted) return "a caller of this machine";
  return identity ? identity->Words() : "a certificate without a role";
}

absl::Status CheckCall(const Caller& caller, absl::string_view method) {
  if (const MethodRule* rule = Find(method)) {
    return Check(caller, rule->roles, absl::StrCat("call ", ShortName(method)));
  }
  if (caller.trusted) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat(caller.Words(), " may not call ", method,
                                                  ": no role may, it is in no table of rights"));
}

absl::Status CheckAppend(const Caller& caller, absl::string_view table) {
  return Check(caller, table == kSimTable ? kSimWriters : kRealWriters,
               absl::StrCat("append to table '", table, "'"));
}

absl::Status CheckScrape(const Caller& caller) { return Check(caller, kWatchers, "read metrics"); }

bool Serves(Role role) { return (kServers & Bit(role)) != 0; }

std::vector<Rule> AllRules() {
  std::vector<Rule> rules;
  for (const MethodRule& rule : kMethods) {
    rules.push_back({ShortName(rule.method), Roles(rule.roles)});
  }
  rules.push_back({"append to table `sim`", Roles(kSimWriters)});
  rules.push_back({"append to every other table", Roles(kRealWriters)});
  rules.push_back({"read /metrics", Roles(kWatchers)});
  return rules;
}

bool IsKnownMethod(absl::string_view method) { return Find(method) != nullptr; }

}  // namespace estuary::process
