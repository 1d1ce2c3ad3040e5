#include "replay_server/table_metrics.h"

#include <map>
#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "replay_server/table.h"
#include "tests/replay_server/harness.h"

namespace estuary::replay {
namespace {

// By name and its labels' values but the table's:
// "estuary_replay_waited_seconds_total/disk/writers".
std::map<std::string, double> Values(const process::Metrics& metrics) {
  std::map<std::string, double> values;
  for (const prometheus::MetricFamily& family : metrics.Collect()) {
    for (const prometheus::ClientMetric& metric : family.metric) {
      std::string name = family.name;
      for (const auto& label : metric.label) {
        if (label.name != "table") name += "/" + label.value;
      }
      values[name] = metric.gauge.value + metric.counter.value;
    }
  }
  return values;
}

void Append(Table& table, uint32_t rows) {
  const WriterSession writer = table.OpenWriter("w").value();
  const uint64_t next = table.StateOf(writer, nullptr).stored;
  ASSERT_TRUE(table.Append(writer, next, Rows(0, rows), 0, /*bulk=*/false, nullptr).ok());
}

TEST(TableMetrics, ShowHowFarTheLastFollowerIsBehind) {
  auto table = *Table::Create(MemoryTable("rows", 100));
  process::Metrics registry;
  TableMetrics metrics(registry, table->config());
  Append(*table, 30);
  const FollowerCursor near = 28, far = 10;
  table->traffic().Add(&near);
  table->traffic().Add(&far);
  metrics.Update(table->Status());
  EXPECT_EQ(Values(registry).at("estuary_replay_followers"), 2);
  EXPECT_EQ(Values(registry).at("estuary_replay_follower_lag_rows"), 20);
  table->traffic().Remove(&far);
  // The ring goes on without the one that stays: it can be behind by no more than it holds.
  Append(*table, 90);
  Append(*table, 90);
  metrics.Update(table->Status());
  EXPECT_EQ(Values(registry).at("estuary_replay_followers"), 1);
  EXPECT_EQ(Values(registry).at("estuary_replay_follower_lag_rows"), 100);
  table->traffic().Remove(&near);
  metrics.Update(table->Status());
  EXPECT_EQ(Values(registry).at("estuary_replay_follower_lag_rows"), 0);
}

TEST(TableMetrics, TellTheSixWaitsApart) {
  auto table = *Table::Create(MemoryTable("rows", 100));
  process::Metrics registry;
  TableMetrics metrics(registry, table->config());
  TableTraffic& traffic = table->traffic();
  const std::map<std::string, WaitClock*> clocks = {
      {"samples/writers", &traffic.writers_for_samples},
      {"disk/writers", &traffic.writers_for_disk},
      {"inserts/samplers", &traffic.samplers_for_inserts},
      {"network/samplers", &traffic.samplers_for_network},
      {"inserts/followers", &traffic.followers_for_inserts},
      {"network/followers", &traffic.followers_for_network}};
  for (const auto& [name, clock] : clocks) {
    metrics.Update(table->Status());
    const std::string full = "estuary_replay_waited_seconds_total/" + name;
    EXPECT_EQ(Values(registry).at(full), 0) << name;
    {
      Waiter waiter;
      waiter.For(clock);
      absl::SleepFor(absl::Milliseconds(2));
      metrics.Update(table->Status());
      EXPECT_GE(Values(registry).at(full), 0.002) << name << ", while it still waits";
    }
    metrics.Update(table->Status());
    const double waited = Values(registry).at(full);
    absl::SleepFor(absl::Milliseconds(2));
    metrics.Update(table->Status());
    EXPECT_EQ(Values(registry).at(full), waited) << name << " waits no more";
  }
}

TEST(Waiter, WaitsForOneThingAtATime) {
  WaitClock first, second;
  Waiter waiter;
  waiter.For(&first);
  waiter.For(&first);
  EXPECT_EQ(first.waiting(), 1);
  waiter.For(&second);
  EXPECT_EQ(first.waiting(), 0);
  EXPECT_EQ(second.waiting(), 1);
  waiter.For(nullptr);
  EXPECT_EQ(second.waiting(), 0);
}

TEST(TableMetrics, ShowTheLimitersState) {
  v1::TableConfig config = MemoryTable("rows", 1000);
  config.mutable_limiter()->set_samples_per_insert(2);
  config.mutable_limiter()->set_min_size(10);
  config.mutable_limiter()->set_error_buffer(20);
  auto table = *Table::Create(config);
  process::Metrics registry;
  TableMetrics metrics(registry, table->config());
  const auto state = [&](const std::string& name) {
    metrics.Update(table->Status());
    return Values(registry).at("estuary_replay_limiter_state/" + name);
  };
  Append(*table, 5);
  EXPECT_EQ(state("samples_blocked"), 1) << "fewer rows than the minimum";
  Append(*table, 10);
  EXPECT_EQ(state("open"), 1);
  EXPECT_EQ(state("samples_blocked"), 0);
  Append(*table, 5);
  EXPECT_EQ(state("inserts_blocked"), 1) << "20 samples ahead";
  table->CountSamples(15);
  EXPECT_EQ(state("open"), 1);
  const auto values = Values(registry);
  EXPECT_EQ(values.at("estuary_replay_samples_per_insert_ratio/configured"), 2);
  EXPECT_EQ(values.at("estuary_replay_samples_per_insert_ratio/actual"), 1.5);
  EXPECT_EQ(values.at("estuary_replay_limiter_difference"), 5);
}

TEST(TableMetrics, HaveNoAgeOfARowBeforeThereIsOne) {
  auto table = *Table::Create(MemoryTable("rows", 100));
  process::Metrics registry;
  TableMetrics metrics(registry, table->config());
  metrics.Update(table->Status());
  EXPECT_EQ(Values(registry).count("estuary_replay_newest_row_age_seconds"), 0u);
  Append(*table, 1);
  metrics.Update(table->Status());
  EXPECT_EQ(Values(registry).count("estuary_replay_newest_row_age_seconds"), 1u);
  EXPECT_EQ(Values(registry).at("estuary_replay_received_bytes_total"),
            static_cast<double>(table->schema().row_bytes()));
}

}  // namespace
}  // namespace estuary::replay
