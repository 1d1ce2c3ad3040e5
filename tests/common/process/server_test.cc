#include "common/process/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "absl/strings/match.h"
#include "common/process/channel.h"
#include "common/process/metrics_server.h"
#include "common/process/process_metrics.h"
#include "common/process/scrape_server.h"

namespace estuary::process {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

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

// The whole answer to a request in plaintext.
std::string Ask(int port, const std::string& request) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  name.sin_port = htons(static_cast<uint16_t>(port));
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&name), sizeof(name)), 0);
  EXPECT_EQ(send(fd, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
  std::string answer;
  char buffer[1 << 12];
  for (ssize_t n = 0; (n = recv(fd, buffer, sizeof(buffer), 0)) > 0;) answer.append(buffer, n);
  close(fd);
  return answer;
}

TEST(ScrapeServer, AnswersInPlaintextWithTheMetricsAndNothingElse) {
  const Metrics metrics;
  const auto server = ScrapeServer::Start("127.0.0.1:0", nullptr, ScrapeView(metrics));
  ASSERT_TRUE(server.ok()) << server.status();
  const int port = (*server)->port();
  const std::string answer = Ask(port, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("HTTP/1.1 200 OK"));
  EXPECT_THAT(answer, HasSubstr("\nprocess_open_fds"));
  EXPECT_THAT(answer, Not(HasSubstr("exposer_"))) << "none that no catalogue has";
  EXPECT_THAT(Ask(port, "GET /health HTTP/1.1\r\n\r\n"), HasSubstr("200 OK"));
  EXPECT_THAT(Ask(port, "GET /secrets HTTP/1.1\r\n\r\n"), HasSubstr("404"));
  EXPECT_THAT(Ask(port, "POST /metrics HTTP/1.1\r\n\r\n"), HasSubstr("404"));
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
