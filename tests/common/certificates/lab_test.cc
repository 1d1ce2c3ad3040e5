#include "common/certificates/lab.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/certificates/authority.h"
#include "common/process/files.h"
#include "common/process/tls_files.h"

namespace estuary::certificates {
namespace {

using process::Role;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class LabTest : public ::testing::Test {
 protected:
  LabTest() {
    options_.folder = absl::StrCat(::testing::TempDir(), "certs_lab_",
                                   ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(options_.folder);
  }
  ~LabTest() override { std::filesystem::remove_all(options_.folder); }

  std::vector<std::string> Issue(const std::vector<LabMember>& members) {
    const auto issued = IssueLab(options_, members);
    EXPECT_TRUE(issued.ok()) << issued.status();
    return issued.ok() ? *issued : std::vector<std::string>();
  }

  LabOptions options_;
  const LabMember replay_ = *ParseLabMember("replay:replay-0=replay-0,10.0.0.11");
  const LabMember actor_ = *ParseLabMember("actor");
};

TEST_F(LabTest, ReadsWhoAndWhere) {
  EXPECT_EQ(replay_.identity.role, Role::kReplay);
  EXPECT_EQ(replay_.identity.name, "replay-0");
  EXPECT_THAT(replay_.dns, ElementsAre("replay-0"));
  EXPECT_THAT(replay_.ips, ElementsAre("10.0.0.11"));
  EXPECT_EQ(actor_.identity.name, "actor");
  EXPECT_THAT(actor_.dns, IsEmpty());
}

TEST_F(LabTest, NamesWhatIsNoMember) {
  EXPECT_THAT(std::string(ParseLabMember("king=a").status().message()), HasSubstr("'king'"));
  EXPECT_THAT(std::string(ParseLabMember("actor:a b").status().message()), HasSubstr("'a b'"));
}

TEST_F(LabTest, IssuesWhatIsMissingAndLeavesTheRest) {
  EXPECT_THAT(Issue({replay_}), ElementsAre("replay-0"));
  EXPECT_TRUE(process::LoadTlsFiles(options_.folder + "/replay-0", options_.now).ok());
  EXPECT_THAT(Issue({replay_, actor_}), ElementsAre("actor"));
  EXPECT_THAT(Issue({replay_, actor_}), IsEmpty());
}

TEST_F(LabTest, IssuesAnewWhatNoLongerDoes) {
  Issue({replay_, actor_});
  LabMember more = replay_;
  more.dns.push_back("replay-0.lab");
  EXPECT_THAT(Issue({more, actor_}), ElementsAre("replay-0"));
  std::filesystem::remove(options_.folder + "/actor/key.pem");
  EXPECT_THAT(Issue({more, actor_}), ElementsAre("actor"));
  options_.now += absl::Hours(24 * 350);
  EXPECT_THAT(Issue({more, actor_}), ElementsAre("replay-0", "actor"));
  ASSERT_TRUE(RotateAuthority(options_.folder + "/authority", {.now = options_.now}).ok());
  EXPECT_THAT(Issue({more, actor_}), ElementsAre("replay-0", "actor"));
}

}  // namespace
}  // namespace estuary::certificates
