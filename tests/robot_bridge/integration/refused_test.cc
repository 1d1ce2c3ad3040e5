// Real transitions whose sender has the wrong certificate: nothing is lost, and a better
// certificate in the same folder is enough.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "common/client/replay_shards.h"
#include "common/process/log.h"
#include "common/process/metrics.h"
#include "common/process/process_metric_families.h"
#include "replay_server/replay_server.h"
#include "robot_bridge/shipper.h"
#include "tests/common/process/lab.h"

namespace estuary::bridge {
namespace {

using process::Lab;
using process::Role;

constexpr uint64_t kRows = 300;

std::string Row(const transition::Schema& schema, uint64_t number) {
  transition::BlockBuilder block(schema);
  const float values[] = {static_cast<float>(number), 0.5f, -1};
  const float action[] = {0.25f};
  block.Add({.observation = values,
             .action = action,
             .reward = 1,
             .next_observation = values,
             .terminal = false,
             .truncated = false,
             .source = v1::TRANSITION_SOURCE_FALLBACK,
             .policy_version = 0,
             .episode = 0});
  std::string row;
  for (const std::string& column : block.block().columns()) row += column;
  return row;
}

template <class Condition>
bool Soon(const Condition& condition) {
  for (int i = 0; i < 600; ++i) {
    if (condition()) return true;
    absl::SleepFor(absl::Milliseconds(100));
  }
  return false;
}

TEST(Refused, RowsWaitInTheSpoolUntilTheCertificateAllowsThem) {
  const Lab lab("refused");
  const transition::Schema schema = transition::Schema::Robot("wheel_legged_move", 3, 1, 5000);
  replay::ReplayServer::Options options;
  v1::TableConfig& table = *options.shard.tables.add_tables();
  table.set_name("real");
  *table.mutable_schema() = schema.proto();
  table.set_capacity(10'000);
  table.set_remover(v1::REMOVER_NONE);
  table.set_durability(v1::DURABILITY_DISK);
  options.shard.data_dir = lab.folder() + "/data";
  options.server.addresses = {"127.0.0.1:0"};
  options.server.security = lab.As(Role::kReplay, "replay-0");
  auto server = replay::ReplayServer::Start(options);
  ASSERT_TRUE(server.ok()) << server.status();
  const std::string address = (*server)->addresses()[0];

  auto spool = Spool::Open({.directory = lab.folder() + "/spool"}, schema);
  ASSERT_TRUE(spool.ok()) << spool.status();
  std::string rows;
  for (uint64_t i = 0; i < kRows; ++i) rows += Row(schema, i);
  ASSERT_TRUE((*spool)->Append(rows.data(), kRows, 0).ok());
  ASSERT_TRUE((*spool)->Sync().ok());

  // A viewer may look at the shard, and append nothing.
  const std::string folder = lab.Issue(Role::kViewer, "mistaken");
  ASSERT_TRUE(process::UseSecurity(folder, false, false).ok());
  auto& refused = process::ProcessMetrics().Counter(
      process::ProcessFamily("estuary_process_refused_calls_total"),
      {{"role", "viewer"}, {"method", "/estuary.v1.Replay/Append"}});
  {
    Shipper shipper({.shards = {address},
                     .table = "real",
                     .writer_id = "wl-01/bridge",
                     .schema = schema,
                     .retry_after = absl::Milliseconds(300)},
                    spool->get());
    ASSERT_TRUE(Soon([&] { return refused.Value() >= 2; })) << "it has to try again";
    EXPECT_EQ((*spool)->acknowledged(), 0u);
    EXPECT_EQ((*spool)->next(), kRows);

    auto better = lab.Options(Role::kBridge, "wl-01");
    lab.Issue(better, "mistaken");
    EXPECT_TRUE(Soon([&] { return (*spool)->acknowledged() == kRows; }));
    shipper.Stop(absl::Seconds(5));
  }
  const auto shard = client::DescribeShards({address}, absl::Seconds(10))[0];
  ASSERT_TRUE(shard.ok()) << shard.status();
  EXPECT_EQ(client::FindTable(*shard, "real")->rows(), kRows);
  ASSERT_TRUE(process::UseSecurity("", false, false).ok());
}

}  // namespace
}  // namespace estuary::bridge
