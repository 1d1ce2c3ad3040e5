#include "common/certificates/authority.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "common/process/files.h"
#include "common/process/tls_files.h"
#include "common/process/x509.h"
#include "tests/common/process/lab.h"

namespace estuary::certificates {
namespace {

using process::Lab;
using process::Role;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

process::CertificateFacts FactsOf(const std::string& path) {
  return process::Describe(**process::ParseCertificates(*process::ReadFile(path), path)->begin());
}

int ModeOf(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(stat(path.c_str(), &info), 0);
  return info.st_mode & 0777;
}

TEST(Authority, IssuesWhatItWasAskedFor) {
  const Lab lab("issues");
  auto options = lab.Options(Role::kRobot, "wl-01");
  options.dns = {"wl-01.lab", "*.robots.lab"};
  options.ips = {"10.0.0.5", "fd00::5"};
  const auto facts = FactsOf(lab.Issue(options, "robot") + "/cert.pem");
  EXPECT_THAT(facts.uris, ElementsAre("estuary://robot/wl-01"));
  EXPECT_THAT(facts.dns, ElementsAre("wl-01.lab", "*.robots.lab"));
  EXPECT_THAT(facts.ips, ElementsAre("10.0.0.5", "fd00::5"));
  EXPECT_FALSE(facts.is_authority);
  EXPECT_THAT(facts.issuer, HasSubstr("issues authority"));
}

TEST(Authority, KeepsKeysToTheirOwner) {
  const Lab lab("modes");
  EXPECT_EQ(ModeOf(lab.authority() + "/ca-key.pem"), 0600);
  EXPECT_EQ(ModeOf(lab.Issue(Role::kActor, "a") + "/key.pem"), 0600);
}

TEST(Authority, OverwritesNothingUnasked) {
  const Lab lab("overwrites");
  const absl::Status again = CreateAuthority(lab.authority(), {});
  EXPECT_EQ(again.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(again.message()), HasSubstr("--rotate"));
  const std::string output = lab.Issue(Role::kActor, "a");
  const std::string before = *process::ReadFile(output + "/key.pem");
  auto options = lab.Options(Role::kActor, "a");
  options.replace = false;
  const absl::Status issued = Issue(lab.authority(), output, options);
  EXPECT_EQ(issued.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(issued.message()), AllOf(HasSubstr(output), HasSubstr("--replace")));
  EXPECT_EQ(*process::ReadFile(output + "/key.pem"), before);
}

TEST(Authority, NeverOutlivesItself) {
  const Lab lab("outlives");
  auto options = lab.Options(Role::kActor, "a");
  options.validity = absl::Hours(24 * 365 * 50);
  EXPECT_EQ(FactsOf(lab.Issue(options, "a") + "/cert.pem").not_after,
            FactsOf(lab.authority() + "/ca.pem").not_after);
  options.now = absl::Now() + absl::Hours(24 * 365 * 6);
  const absl::Status late = Issue(lab.authority(), lab.folder() + "/late", options);
  EXPECT_THAT(std::string(late.message()), AllOf(HasSubstr("expired"), HasSubstr("--rotate")));
}

TEST(Authority, IsTrustedBesideItsSuccessorOfTheSameName) {
  const Lab lab("successor");
  const std::string first = lab.Issue(Role::kActor, "first");
  ASSERT_TRUE(RotateAuthority(lab.authority(), {.name = "successor"}).ok());
  const std::string second = lab.Issue(Role::kActor, "second");
  const std::string both = *process::ReadFile(lab.authority() + "/ca.pem");
  ASSERT_TRUE(process::WriteFileAtomically(first + "/ca.pem", both).ok());
  for (const std::string& folder : {first, second}) {
    const auto files = process::LoadTlsFiles(folder, absl::Now());
    EXPECT_TRUE(files.ok()) << files.status();
  }
  EXPECT_EQ(*RetireAuthorities(lab.authority()), 1);
  ASSERT_TRUE(process::WriteFileAtomically(first + "/ca.pem",
                                           *process::ReadFile(lab.authority() + "/ca.pem"))
                  .ok());
  EXPECT_FALSE(process::LoadTlsFiles(first, absl::Now()).ok());
}

TEST(Authority, RefusesNamesThatWouldSaySomethingElse) {
  const Lab lab("names");
  const auto refused = [&](IssueOptions options) {
    return !Issue(lab.authority(), lab.folder() + "/x", options).ok();
  };
  EXPECT_TRUE(refused({.identity = {Role::kActor, "a/b"}}));
  EXPECT_TRUE(refused({.identity = {Role::kActor, "a,URI:estuary://operator/x"}}));
  EXPECT_TRUE(refused({.identity = {Role::kActor, "a"}, .dns = {"x,URI:estuary://operator/x"}}));
  EXPECT_TRUE(refused({.identity = {Role::kActor, "a"}, .ips = {"learner"}}));
}

TEST(Authority, NamesWhatIsMissing) {
  const absl::Status status = Issue("/nonexistent", testing::TempDir() + "/nothing", {});
  EXPECT_FALSE(status.ok());
  IssueOptions options;
  options.identity.name = "a";
  EXPECT_THAT(std::string(Issue("/nonexistent", testing::TempDir() + "/n", options).message()),
              AllOf(HasSubstr("/nonexistent/ca.pem"), HasSubstr("certs init")));
}

}  // namespace
}  // namespace estuary::certificates
