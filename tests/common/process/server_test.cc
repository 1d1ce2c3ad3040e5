#include "common/process/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "absl/strings/match.h"
#include "common/process/channel.h"
#include "common/process/metrics_server.h"

namespace estuary::process {
namespace {

using ::testing::HasSubstr;

TEST(Server, PicksAFreePortAndAnswersThere) {
  auto server = Server::Start({.addresses = {"127.0.0.1:0"}}, {});
  ASSERT_TRUE(server.ok()) << server.status();
  const std::string address = (*server)->addresses()[0];
  EXPECT_FALSE(absl::EndsWith(address, ":0"));
  auto channel = MakeChannel(address);
  EXPECT_TRUE(WaitForPeer(*channel, "server", address, absl::Seconds(10)).ok());
}

TEST(Server, NamesAPortInUse) {
  auto first = Server::Start({.addresses = {"127.0.0.1:0"}}, {});
  ASSERT_TRUE(first.ok());
  const std::string address = (*first)->addresses()[0];
  auto second = Server::Start({.addresses = {address}}, {});
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(address));
}

TEST(Server, TakesOverASocketThatAKilledProcessLeft) {
  const std::string path =
      testing::TempDir() + "/server_test_" + std::to_string(getpid()) + ".sock";
  {
    auto first = Server::Start({.addresses = {"unix:" + path}}, {});
    ASSERT_TRUE(first.ok());
    // What a kill leaves is a socket file that nobody listens at.
    std::filesystem::rename(path, path + ".kept");
  }
  if (std::filesystem::exists(path + ".kept")) std::filesystem::rename(path + ".kept", path);
  auto second = Server::Start({.addresses = {"unix:" + path}}, {});
  EXPECT_TRUE(second.ok()) << second.status();
}

TEST(Server, DoesNotStealASocketThatIsServed) {
  const std::string path =
      testing::TempDir() + "/server_test2_" + std::to_string(getpid()) + ".sock";
  auto first = Server::Start({.addresses = {"unix:" + path}}, {});
  ASSERT_TRUE(first.ok());
  auto second = Server::Start({.addresses = {"unix:" + path}}, {});
  EXPECT_FALSE(second.ok());
  auto channel = MakeChannel("unix:" + path);
  EXPECT_TRUE(WaitForPeer(*channel, "server", path, absl::Seconds(10)).ok());
}

TEST(Server, RefusesPlaintextBeyondThisMachine) {
  const auto server = Server::Start({.addresses = {"0.0.0.0:0"}}, {});
  ASSERT_FALSE(server.ok());
  EXPECT_THAT(std::string(server.status().message()), HasSubstr("--insecure"));
  EXPECT_TRUE(Server::Start({.addresses = {"0.0.0.0:0"}, .security = {.insecure = true}}, {}).ok());
}

TEST(WaitForPeer, NamesWhomItWaitedForAndWhere) {
  auto channel = MakeChannel("unix:/nonexistent.sock");
  const absl::Status status =
      WaitForPeer(*channel, "learner", "unix:/nonexistent.sock", absl::Milliseconds(300));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("learner at unix:/nonexistent.sock"));
}

TEST(MetricsServer, NamesAPortInUse) {
  Metrics metrics;
  auto taken = Server::Start({.addresses = {"127.0.0.1:0"}}, {});
  ASSERT_TRUE(taken.ok());
  const auto server = MetricsServer::Start((*taken)->addresses()[0], metrics);
  ASSERT_FALSE(server.ok());
  EXPECT_THAT(std::string(server.status().message()), HasSubstr((*taken)->addresses()[0]));
}

}  // namespace
}  // namespace estuary::process
