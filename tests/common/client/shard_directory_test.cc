#include "common/client/shard_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "common/client/replay_shards.h"

namespace estuary::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kName[] = "dns:///replay.example:5001";
constexpr absl::Duration kPatience = absl::Seconds(30);

// A scripted network: what the name stands for, and who is at which address.
class Network : public ::testing::Test {
 protected:
  ShardDirectory::Options Options() {
    ShardDirectory::Options options;
    options.lookup = [this](const std::string& name) -> absl::StatusOr<std::vector<std::string>> {
      ++lookups_;
      asked_ = name;
      if (!resolver_.ok()) return resolver_;
      return addresses_;
    };
    options.identify = [this](const std::string& address,
                              const std::string&) -> absl::StatusOr<std::string> {
      const auto found = shards_.find(address);
      if (found == shards_.end()) return absl::UnavailableError(address + " does not answer");
      return found->second;
    };
    options.patience = absl::ZeroDuration();
    options.first_pause = absl::ZeroDuration();
    options.longest_pause = absl::ZeroDuration();
    return options;
  }

  absl::Status resolver_;
  std::vector<std::string> addresses_ = {"10.0.0.1:5001", "10.0.0.2:5001"};
  std::map<std::string, std::string> shards_ = {{"10.0.0.1:5001", "bbbb"},
                                                {"10.0.0.2:5001", "aaaa"}};
  std::string asked_;
  int lookups_ = 0;
};

TEST_F(Network, NamesShardsByTheirIdsInTheIdsOrder) {
  ShardDirectory directory(Options());
  const auto targets = directory.Resolve(kName, kPatience);
  ASSERT_TRUE(targets.ok()) << targets.status();
  EXPECT_EQ(asked_, "replay.example:5001");
  EXPECT_THAT(*targets,
              ElementsAre("dns:///replay.example:5001#aaaa", "dns:///replay.example:5001#bbbb"));
  EXPECT_EQ(directory.AddressOf((*targets)[0]), "10.0.0.2:5001");
}

TEST_F(Network, FindsAShardThatMoved) {
  ShardDirectory directory(Options());
  const auto targets = directory.Resolve(kName, kPatience);
  ASSERT_TRUE(targets.ok());
  const std::vector<int> before = RankShards(*targets, "run/actor-0");
  addresses_ = {"10.0.0.9:5001", "10.0.0.2:5001"};
  shards_ = {{"10.0.0.9:5001", "bbbb"}, {"10.0.0.2:5001", "aaaa"}};
  EXPECT_EQ(directory.AddressOf((*targets)[1]), "10.0.0.1:5001");
  EXPECT_EQ(directory.Renew((*targets)[1]), "10.0.0.9:5001");
  EXPECT_EQ(directory.AddressOf((*targets)[1]), "10.0.0.9:5001");
  // Nobody's writers move because an address did.
  EXPECT_EQ(RankShards(directory.Known((*targets)[0]), "run/actor-0"), before);
}

TEST_F(Network, LetsAShardJoin) {
  ShardDirectory directory(Options());
  const auto targets = directory.Resolve(kName, kPatience);
  ASSERT_TRUE(targets.ok());
  addresses_.push_back("10.0.0.3:5001");
  shards_["10.0.0.3:5001"] = "abab";
  directory.Renew((*targets)[0]);
  EXPECT_THAT(directory.Known((*targets)[0]),
              ElementsAre("dns:///replay.example:5001#aaaa", "dns:///replay.example:5001#abab",
                          "dns:///replay.example:5001#bbbb"));
}

TEST_F(Network, KeepsAShardThatTheNameNoLongerStandsFor) {
  ShardDirectory directory(Options());
  const auto targets = directory.Resolve(kName, kPatience);
  ASSERT_TRUE(targets.ok());
  addresses_.pop_back();
  EXPECT_EQ(directory.Renew((*targets)[0]), "10.0.0.2:5001");
  EXPECT_EQ(directory.Known((*targets)[0]).size(), 2u);
}

TEST_F(Network, GoesOnWithThoseThatAnswer) {
  shards_.erase("10.0.0.1:5001");
  ShardDirectory directory(Options());
  const auto targets = directory.Resolve(kName, kPatience);
  ASSERT_TRUE(targets.ok()) << targets.status();
  EXPECT_THAT(*targets, ElementsAre("dns:///replay.example:5001#aaaa"));
}

TEST_F(Network, CountsAShardWithTwoAddressesOnce) {
  addresses_.push_back("[fe80::2]:5001");
  shards_["[fe80::2]:5001"] = "aaaa";
  ShardDirectory directory(Options());
  const auto targets = directory.Resolve(kName, kPatience);
  ASSERT_TRUE(targets.ok());
  EXPECT_EQ(targets->size(), 2u);
}

TEST_F(Network, DoesNotAskAgainAtOnce) {
  ShardDirectory::Options options = Options();
  options.first_pause = absl::Hours(1);
  options.longest_pause = absl::Hours(1);
  ShardDirectory directory(options);
  const auto targets = directory.Resolve(kName, kPatience);
  ASSERT_TRUE(targets.ok());
  // One shard stays silent, so that there is reason to look again.
  shards_.erase("10.0.0.1:5001");
  const int before = lookups_;
  directory.Renew((*targets)[1]);
  directory.Renew((*targets)[1]);
  directory.Renew((*targets)[0]);
  EXPECT_EQ(lookups_, before + 1);
}

TEST_F(Network, SaysWhatStoodInTheWay) {
  resolver_ = absl::UnavailableError("cannot look up 'replay.example': no such name");
  ShardDirectory directory(Options());
  const auto targets = directory.Resolve(kName, absl::ZeroDuration());
  ASSERT_FALSE(targets.ok());
  EXPECT_EQ(targets.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(targets.status().message()), HasSubstr("no such name"));
}

TEST_F(Network, RefusesANameWithoutAPort) {
  ShardDirectory directory(Options());
  for (const char* bad : {"dns:///replay", "dns:///:5001", "dns:///replay:", "dns://x/replay:1"}) {
    EXPECT_EQ(directory.Resolve(bad, kPatience).status().code(), absl::StatusCode::kInvalidArgument)
        << bad;
  }
}

TEST_F(Network, LeavesPlainAddressesAlone) {
  ShardDirectory directory(Options());
  EXPECT_EQ(directory.AddressOf("unix:/tmp/x"), "unix:/tmp/x");
  EXPECT_EQ(directory.Renew("host:1"), "host:1");
  EXPECT_THAT(directory.Known("host:1"), ElementsAre("host:1"));
  EXPECT_EQ(lookups_, 0);
}

TEST(SystemsResolver, KnowsThisMachine) {
  // Nobody listens there: the name is found, no shard is.
  const auto targets =
      ShardDirectory::Process().Resolve("dns:///localhost:1", absl::ZeroDuration());
  ASSERT_FALSE(targets.ok());
  EXPECT_THAT(std::string(targets.status().message()), ::testing::Not(HasSubstr("look up")));
}

TEST(ServerName, IsTheNameThatATargetWasFoundBy) {
  EXPECT_EQ(ShardDirectory::ServerName("dns:///replay.example:5001#0a1b"), "replay.example");
  EXPECT_EQ(ShardDirectory::ServerName("10.0.0.7:5001"), "");
  EXPECT_EQ(ShardDirectory::ServerName("unix:/run/replay.sock"), "");
}

}  // namespace
}  // namespace estuary::client
