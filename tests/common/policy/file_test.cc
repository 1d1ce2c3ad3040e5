#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "common/policy/bfloat16.h"
#include "common/policy/policy.h"
#include "tests/common/policy/policies.h"

namespace estuary::policy {
namespace {

using ::testing::HasSubstr;
using testing::MakePolicyVersion;

class PolicyFile : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    directory_ =
        std::filesystem::path(::testing::TempDir()) / (std::string("policy_file_") + info->name());
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string Path(const std::string& name) const { return (directory_ / name).string(); }

 private:
  std::filesystem::path directory_;
};

TEST_F(PolicyFile, ComesBackAsItWas) {
  const v1::PolicyVersion version = MakePolicyVersion({.version = 12});
  ASSERT_TRUE(WritePolicyFile(Path("final_policy.pb"), version).ok());
  const auto read = ReadPolicyFile(Path("final_policy.pb"));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->SerializeAsString(), version.SerializeAsString());
  EXPECT_TRUE(Policy::FromProto(*read).ok());
}

TEST_F(PolicyFile, IsRefusedWhenDamagedAndNamed) {
  ASSERT_TRUE(WritePolicyFile(Path("p.pb"), MakePolicyVersion({})).ok());
  std::fstream file(Path("p.pb"), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(5000);
  file.put('x').put('y');
  file.close();
  const auto read = ReadPolicyFile(Path("p.pb"));
  EXPECT_EQ(read.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(read.status().message()), HasSubstr(Path("p.pb")));
}

TEST_F(PolicyFile, IsRefusedWhenCutShort) {
  ASSERT_TRUE(WritePolicyFile(Path("p.pb"), MakePolicyVersion({})).ok());
  std::filesystem::resize_file(Path("p.pb"), 100'000);
  const auto read = ReadPolicyFile(Path("p.pb"));
  EXPECT_EQ(read.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(read.status().message()), HasSubstr("(100000 bytes)"));
}

TEST_F(PolicyFile, ThatIsMissingIsNamed) {
  const auto read = ReadPolicyFile(Path("none.pb"));
  EXPECT_EQ(read.status().code(), absl::StatusCode::kNotFound) << read.status();
  EXPECT_THAT(std::string(read.status().message()), HasSubstr("none.pb"));
}

TEST_F(PolicyFile, IsCompressedWhereItsNameSaysSo) {
  const v1::PolicyVersion version = RoundToBfloat16(MakePolicyVersion({.version = 12}));
  ASSERT_TRUE(WritePolicyFile(Path("p.pb"), version).ok());
  ASSERT_TRUE(WritePolicyFile(Path("p.pb.gz"), version).ok());
  EXPECT_LT(std::filesystem::file_size(Path("p.pb.gz")) * 2,
            std::filesystem::file_size(Path("p.pb")));
  const auto read = ReadPolicyFile(Path("p.pb.gz"));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->SerializeAsString(), version.SerializeAsString());
}

TEST_F(PolicyFile, IsRefusedWhenCompressedAndDamaged) {
  ASSERT_TRUE(WritePolicyFile(Path("p.pb.gz"), MakePolicyVersion({})).ok());
  const uint64_t size = std::filesystem::file_size(Path("p.pb.gz"));
  for (const uint64_t kept : {size - 100, size / 2, uint64_t{12}, uint64_t{2}}) {
    std::filesystem::resize_file(Path("p.pb.gz"), kept);
    EXPECT_EQ(ReadPolicyFile(Path("p.pb.gz")).status().code(), absl::StatusCode::kInvalidArgument)
        << kept;
  }
}

TEST(RoundToBfloat16, MakesAPolicyOfItsOwnThatActsAlike) {
  const v1::PolicyVersion version = MakePolicyVersion({});
  const v1::PolicyVersion rounded = RoundToBfloat16(version);
  EXPECT_NE(rounded.sha256(), version.sha256());
  const auto policy = Policy::FromProto(rounded);
  ASSERT_TRUE(policy.ok()) << policy.status();
  const std::vector<float> before = testing::FromBytes(version.layers(1).weight());
  const std::vector<float> after = testing::FromBytes(rounded.layers(1).weight());
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_NEAR(after[i], before[i], std::abs(before[i]) / 256) << i;
  }
  for (int i = 0; i < version.test_action_size(); ++i) {
    EXPECT_NEAR(rounded.test_action(i), version.test_action(i), 0.05) << i;
  }
  // What is rounded already stays.
  EXPECT_EQ(RoundToBfloat16(rounded).SerializeAsString(), rounded.SerializeAsString());
}

TEST_F(PolicyFile, IsNotWrittenWithABadVersion) {
  v1::PolicyVersion version = MakePolicyVersion({});
  version.clear_sha256();
  EXPECT_FALSE(WritePolicyFile(Path("p.pb"), version).ok());
  EXPECT_FALSE(std::filesystem::exists(Path("p.pb")));
}

}  // namespace
}  // namespace estuary::policy
