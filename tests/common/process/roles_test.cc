#include "common/process/roles.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/process/files.h"
#include "estuary/v1/learner.pb.h"
#include "estuary/v1/replay.pb.h"
#include "estuary/v1/robot.pb.h"
#include "estuary/v1/robot_fault.pb.h"

namespace estuary::process {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Caller Of(Role role) { return {.identity = Identity{role, "one"}}; }

TEST(Roles, KnowEveryMethodOfEveryService) {
  for (const google::protobuf::FileDescriptor* file :
       {v1::LearnerStatus::descriptor()->file(), v1::DescribeResponse::descriptor()->file(),
        v1::RobotStatus::descriptor()->file(), v1::FaultReport::descriptor()->file()}) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        const std::string method = absl::StrCat("/", file->service(s)->full_name(), "/",
                                                file->service(s)->method(m)->name());
        EXPECT_TRUE(IsKnownMethod(method)) << method;
      }
    }
  }
}

TEST(Roles, RefuseWithWhoWhatAndWhoMay) {
  const absl::Status status = CheckCall(Of(Role::kActor), "/estuary.v1.RobotOperator/Arm");
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("actor 'one'"), HasSubstr("RobotOperator.Arm"),
                    HasSubstr("these roles may: operator.")));
}

TEST(Roles, AllowWhatARolesWorkNeeds) {
  EXPECT_TRUE(CheckCall(Of(Role::kActor), "/estuary.v1.Replay/Append").ok());
  EXPECT_TRUE(CheckCall(Of(Role::kLearner), "/estuary.v1.Replay/Follow").ok());
  EXPECT_TRUE(CheckCall(Of(Role::kBridge), "/estuary.v1.Learner/Subscribe").ok());
  EXPECT_TRUE(CheckCall(Of(Role::kRobot), "/estuary.v1.RobotLink/Connect").ok());
  EXPECT_FALSE(CheckCall(Of(Role::kOperator), "/estuary.v1.RobotLink/Connect").ok());
  EXPECT_FALSE(CheckCall(Of(Role::kActor), "/estuary.v1.Learner/ReportEvaluation").ok());
  EXPECT_FALSE(CheckCall(Of(Role::kViewer), "/estuary.v1.Replay/Follow").ok());
}

TEST(Roles, LetAnyoneStopARobotAndOnlyOperatorsMoveIt) {
  for (const Role role : kAllRoles) {
    EXPECT_TRUE(CheckCall(Of(role), "/estuary.v1.RobotOperator/EmergencyStop").ok());
    for (const char* method : {"Arm", "SetMode", "Steer"}) {
      EXPECT_EQ(CheckCall(Of(role), absl::StrCat("/estuary.v1.RobotOperator/", method)).ok(),
                role == Role::kOperator);
    }
  }
}

TEST(Roles, KeepSimulatedAndRealTablesApart) {
  EXPECT_TRUE(CheckAppend(Of(Role::kActor), "sim").ok());
  EXPECT_TRUE(CheckAppend(Of(Role::kBridge), "real").ok());
  EXPECT_TRUE(CheckAppend(Of(Role::kOperator), "real_wl_01").ok());
  EXPECT_FALSE(CheckAppend(Of(Role::kBridge), "sim").ok());
  const absl::Status status = CheckAppend(Of(Role::kActor), "real");
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("append to table 'real'"), HasSubstr("bridge, robot, operator")));
}

TEST(Roles, RefuseWhatStandsInNoTable) {
  EXPECT_FALSE(CheckCall(Of(Role::kOperator), "/estuary.v1.Replay/DropEverything").ok());
  EXPECT_FALSE(CheckCall(Of(Role::kOperator), "").ok());
  EXPECT_FALSE(CheckCall({}, "/grpc.health.v1.Health/Check").ok());
  EXPECT_TRUE(CheckCall({.trusted = true}, "/estuary.v1.Replay/Append").ok());
}

TEST(Roles, StandInTheDocumentationAsInTheCode) {
  const auto document = ReadFile(ESTUARY_SOURCE_DIR "/docs/security.md");
  ASSERT_TRUE(document.ok()) << document.status();
  for (const Rule& rule : AllRules()) {
    std::string line = absl::StrCat("\n| ", rule.what, " |");
    for (const Role role : kAllRoles) {
      const bool may = std::count(rule.roles.begin(), rule.roles.end(), role) > 0;
      absl::StrAppend(&line, " ", may ? "x" : "", " |");
    }
    EXPECT_THAT(*document, HasSubstr(line + "\n"));
  }
}

TEST(Identity, IsReadBackFromItsUri) {
  for (const Role role : kAllRoles) {
    const auto identity = ParseIdentity(Identity{role, "wl-01.lab_2"}.Uri());
    ASSERT_TRUE(identity.ok()) << identity.status();
    EXPECT_EQ(identity->role, role);
    EXPECT_EQ(identity->name, "wl-01.lab_2");
  }
}

TEST(Identity, RefusesOtherUris) {
  for (const char* uri :
       {"", "estuary://", "estuary://robot", "estuary://robot/", "estuary://king/a",
        "estuary://robot/a/b", "estuary://robot/a b", "spiffe://robot/a", "estuary:///a"}) {
    EXPECT_FALSE(ParseIdentity(uri).ok()) << uri;
  }
  EXPECT_FALSE(CheckIdentityName(std::string(65, 'a')).ok());
  EXPECT_THAT(std::string(ParseRole("king").status().message()), HasSubstr("replay, learner"));
}

}  // namespace
}  // namespace estuary::process
