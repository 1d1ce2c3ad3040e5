#include "common/process/health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/process/server.h"
#include "tests/common/process/lab.h"

namespace estuary::process {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(10);

std::unique_ptr<Server> Serve(const Security& security) {
  auto server = Server::Start({.addresses = {"127.0.0.1:0"}, .security = security}, {});
  EXPECT_TRUE(server.ok()) << server.status();
  return *std::move(server);
}

TEST(Health, AServerThatServesIsWell) {
  const auto server = Serve({});
  const absl::Status health = CheckHealth(server->addresses()[0], kPatience, {});
  EXPECT_TRUE(health.ok()) << health;
}

TEST(Health, AnyRoleMayAskOverTls) {
  const Lab lab("health");
  const auto server = Serve(lab.As(Role::kReplay, "replay-0"));
  const absl::Status health =
      CheckHealth(server->addresses()[0], kPatience, lab.As(Role::kViewer, "viewer"));
  EXPECT_TRUE(health.ok()) << health;
}

TEST(Health, AStrangerIsToldWhyNot) {
  const Lab lab("health_ours"), other("health_theirs");
  const auto server = Serve(lab.As(Role::kReplay, "replay-0"));
  const std::string address = server->addresses()[0];
  const absl::Status plain = CheckHealth(address, kPatience, {});
  EXPECT_THAT(std::string(plain.message()), HasSubstr("does it want --tls?"));
  const absl::Status foreign = CheckHealth(address, kPatience, other.As(Role::kReplay, "replay-0"));
  EXPECT_THAT(std::string(foreign.message()), HasSubstr("refused"));
}

TEST(Health, AServerThatHasGoneIsNotWell) {
  std::string address;
  {
    const auto server = Serve({});
    address = server->addresses()[0];
  }
  const absl::Status health = CheckHealth(address, kPatience, {});
  EXPECT_TRUE(absl::IsUnavailable(health)) << health;
  EXPECT_THAT(std::string(health.message()), HasSubstr(address));
}

TEST(Health, TheMetricsPortNeedsACertificate) {
  const absl::Status health = CheckHealth("https://127.0.0.1:1", kPatience, {});
  EXPECT_THAT(std::string(health.message()), HasSubstr("--tls=DIR"));
}

}  // namespace
}  // namespace estuary::process
