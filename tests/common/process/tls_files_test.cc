// What can be wrong with the folder that --tls names: each with the file and the way out.
#include "common/process/tls_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "common/process/files.h"
#include "tests/common/process/lab.h"

namespace estuary::process {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

class TlsFilesTest : public testing::Test {
 protected:
  TlsFilesTest()
      : lab_(testing::UnitTest::GetInstance()->current_test_info()->name()),
        folder_(lab_.Issue(Role::kRobot, "wl-01")) {}

  std::string Error(absl::Time now = absl::Now()) {
    const auto files = LoadTlsFiles(folder_, now);
    EXPECT_FALSE(files.ok());
    return std::string(files.status().message());
  }
  void Write(const std::string& file, const std::string& content) {
    ASSERT_TRUE(WriteFileAtomically(folder_ + "/" + file, content).ok());
  }
  void Take(const std::string& from, const std::string& file) {
    fs::copy_file(from + "/" + file, folder_ + "/" + file, fs::copy_options::overwrite_existing);
  }

  Lab lab_;
  std::string folder_;
};

TEST_F(TlsFilesTest, AreReadWithTheirRole) {
  const auto files = LoadTlsFiles(folder_, absl::Now());
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_EQ(files->identity.Uri(), "estuary://robot/wl-01");
  EXPECT_GT(files->not_after, absl::Now() + absl::Hours(24 * 300));
}

TEST_F(TlsFilesTest, NameAMissingFile) {
  fs::remove(folder_ + "/cert.pem");
  EXPECT_THAT(Error(), AllOf(HasSubstr(folder_ + "/cert.pem"), HasSubstr("certs issue")));
}

TEST_F(TlsFilesTest, NameAKeyThatMayNotBeRead) {
  fs::permissions(folder_ + "/key.pem", fs::perms::none);
  // Root reads everything, so another user looks.
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    if (geteuid() == 0 && setuid(65534) != 0) _exit(1);
    const auto files = LoadTlsFiles(folder_, absl::Now());
    const std::string message(files.status().message());
    _exit(write(ends[1], message.data(), message.size()) < 0);
  }
  close(ends[1]);
  char message[1000] = "";
  EXPECT_GT(read(ends[0], message, sizeof(message) - 1), 0);
  close(ends[0]);
  waitpid(child, nullptr, 0);
  EXPECT_THAT(std::string(message), AllOf(HasSubstr(folder_ + "/key.pem"),
                                          HasSubstr("Permission denied"), HasSubstr("chown")));
}

TEST_F(TlsFilesTest, NameAKeyOfAnotherCertificate) {
  Take(lab_.Issue(Role::kRobot, "wl-02"), "key.pem");
  EXPECT_THAT(Error(), AllOf(HasSubstr(folder_ + "/key.pem"), HasSubstr("is not the key of"),
                             HasSubstr("robot wl-01")));
}

TEST_F(TlsFilesTest, NameWhatIsNoCertificate) {
  Write("ca.pem", "not PEM at all");
  EXPECT_THAT(Error(), AllOf(HasSubstr(folder_ + "/ca.pem"), HasSubstr("no certificates in PEM")));
}

TEST_F(TlsFilesTest, NameWhatIsNoKey) {
  Write("key.pem", "");
  EXPECT_THAT(Error(), AllOf(HasSubstr(folder_ + "/key.pem"), HasSubstr("no private key")));
}

TEST_F(TlsFilesTest, NameATornCertificate) {
  const std::string whole = *ReadFile(folder_ + "/cert.pem");
  Write("cert.pem", whole.substr(0, whole.size() / 2));
  EXPECT_THAT(Error(), HasSubstr(folder_ + "/cert.pem"));
}

TEST_F(TlsFilesTest, SayThatTheyHaveExpired) {
  EXPECT_THAT(Error(absl::Now() + absl::Hours(24 * 366)),
              AllOf(HasSubstr(folder_ + "/cert.pem"), HasSubstr("expired at"),
                    HasSubstr("certs issue --replace")));
}

TEST_F(TlsFilesTest, SayThatTheyAreNotYetValid) {
  EXPECT_THAT(
      Error(absl::Now() - absl::Hours(1)),
      AllOf(HasSubstr(folder_ + "/cert.pem"), HasSubstr("not valid before"), HasSubstr("clock")));
}

TEST_F(TlsFilesTest, SayThatAnotherAuthorityIssuedThem) {
  Lab other("other");
  Take(other.Issue(Role::kRobot, "wl-01"), "ca.pem");
  EXPECT_THAT(Error(), AllOf(HasSubstr(folder_ + "/cert.pem"), HasSubstr(folder_ + "/ca.pem"),
                             HasSubstr("does not vouch"), HasSubstr("other authority")));
}

TEST_F(TlsFilesTest, NeedARole) {
  // An authority's own certificate has none.
  fs::copy_file(lab_.authority() + "/ca.pem", folder_ + "/cert.pem",
                fs::copy_options::overwrite_existing);
  fs::copy_file(lab_.authority() + "/ca-key.pem", folder_ + "/key.pem",
                fs::copy_options::overwrite_existing);
  EXPECT_THAT(Error(), AllOf(HasSubstr("names no role"), HasSubstr("estuary://robot/wl-01")));
}

TEST(CallerWithUris, TakesOneRoleAndNoMore) {
  EXPECT_TRUE(CallerWithUris({"https://lab", "estuary://robot/a"}).identity.has_value());
  EXPECT_FALSE(CallerWithUris({"estuary://robot/a", "estuary://operator/a"}).identity.has_value());
  EXPECT_FALSE(CallerWithUris({}).identity.has_value());
  EXPECT_FALSE(CallerWithUris({}).trusted);
}

}  // namespace
}  // namespace estuary::process
