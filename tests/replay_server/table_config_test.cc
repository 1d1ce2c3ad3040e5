#include "replay_server/table_config.h"

#include <limits>
#include <memory>
#include <string>

#include "common/process/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "replay_server/memory_limit.h"
#include "replay_server/table.h"
#include "tests/replay_server/harness.h"

namespace estuary::replay {
namespace {

using ::testing::HasSubstr;

// Why the configuration is refused; empty where it is not.
std::string Refusal(const v1::TableConfig& config) {
  const absl::Status status = CheckTableConfig(config);
  EXPECT_TRUE(status.ok() || absl::IsInvalidArgument(status)) << status;
  return std::string(status.message());
}

TEST(TableConfig, NamesTheFieldThatIsWrong) {
  const auto message = [](const v1::TableConfig& config) {
    const absl::Status status = CheckTableConfig(config);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    return std::string(status.message());
  };
  EXPECT_TRUE(CheckTableConfig(MemoryTable("rows", 10)).ok());
  EXPECT_THAT(message(MemoryTable("Rows/..", 10)), HasSubstr("'Rows/..'"));
  EXPECT_THAT(message(MemoryTable("rows", 0)), HasSubstr("capacity is 0"));
  v1::TableConfig config = MemoryTable("rows", 10);
  config.clear_remover();
  EXPECT_THAT(message(config), HasSubstr("remover"));
  config = MemoryTable("rows", 10);
  config.clear_durability();
  EXPECT_THAT(message(config), HasSubstr("durability"));
  config = MemoryTable("rows", 10);
  config.mutable_schema()->mutable_columns()->RemoveLast();
  EXPECT_THAT(message(config), HasSubstr("table 'rows'"));
  config = MemoryTable("rows", 10);
  config.set_capacity_bytes(3);
  EXPECT_THAT(message(config), HasSubstr("capacity_bytes 3"));
  config = MemoryTable("rows", 10);
  config.mutable_limiter()->set_samples_per_insert(10);
  EXPECT_THAT(message(config), HasSubstr("table 'rows': limiter"));
  v1::TableConfigs configs;
  EXPECT_FALSE(CheckTableConfigs(configs).ok());
  *configs.add_tables() = MemoryTable("rows", 10);
  EXPECT_TRUE(CheckTableConfigs(configs).ok());
  *configs.add_tables() = MemoryTable("rows", 10);
  EXPECT_THAT(std::string(CheckTableConfigs(configs).message()), HasSubstr("twice"));
}

TEST(TableConfig, CapacityInBytesHoldsToo) {
  v1::TableConfig config = MemoryTable("rows", 1000);
  config.set_capacity_bytes(TestSchema().row_bytes() * 12 + 5);
  EXPECT_EQ(RowCapacity(config, TestSchema()), 12);
  const auto table = Table::Create(config).value();
  const WriterSession writer = table->OpenWriter("w").value();
  ASSERT_TRUE(table->Append(writer, 0, Rows(0, 100), 0, false, nullptr).ok());
  EXPECT_EQ(table->Status().rows(), 12);
  // What is kept beside the rows counts too.
  config.set_selector(v1::SELECTOR_PRIORITIZED);
  EXPECT_LT(RowCapacity(config, TestSchema()), 12);
}

TEST(TableConfig, WhatCannotFitInMemoryIsRefusedWithTheSums) {
  v1::TableConfigs configs;
  *configs.add_tables() = MemoryTable("rows", 100'000'000);
  *configs.add_tables() = MemoryTable("others", 100);
  const absl::Status status = CheckMemory(configs, 1 << 30);
  EXPECT_TRUE(absl::IsResourceExhausted(status));
  // 46 bytes a row, in whole huge pages.
  EXPECT_THAT(std::string(status.message()), HasSubstr("may grow to 4394 MiB"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("only 1024 MiB"));
  EXPECT_TRUE(CheckMemory(configs, BytesNeeded(configs)).ok());
}

TEST(TableConfig, WhatASelectorCannotDoIsRefused) {
  v1::TableConfig config = MemoryTable("rows", 10);
  config.set_priority_exponent(0.5);
  EXPECT_THAT(Refusal(config), HasSubstr("priority_exponent is 0.5"));
  config.set_selector(v1::SELECTOR_PRIORITIZED);
  EXPECT_EQ(Refusal(config), "");
  for (const double exponent : {-0.1, 4.1, std::numeric_limits<double>::quiet_NaN()}) {
    config.set_priority_exponent(exponent);
    EXPECT_THAT(Refusal(config), HasSubstr("it must be 0 to 4"));
  }
  config = MemoryTable("rows", 10);
  config.set_selector(static_cast<v1::Selector>(9));
  EXPECT_THAT(Refusal(config), HasSubstr("selector is 9"));
  config = DiskTable("rows", 10);
  config.set_max_times_sampled(1);
  EXPECT_THAT(Refusal(config), HasSubstr("DURABILITY_MEMORY"));
  config.set_durability(v1::DURABILITY_MEMORY);
  EXPECT_THAT(Refusal(config), HasSubstr("SELECTOR_FIFO"));
  config.set_selector(v1::SELECTOR_FIFO);
  EXPECT_EQ(Refusal(config), "");
  config.set_max_times_sampled(1 << 30);
  EXPECT_THAT(Refusal(config), HasSubstr("max_times_sampled is 1073741824"));
}

// Each must stop, or can: see limiter.h. The numbers in the messages are the proof.
TEST(TableConfig, DrawsThatRunOutUnderALimiterAreRefusedWithTheArithmetic) {
  v1::TableConfig config = MemoryTable("rows", 100);
  config.mutable_limiter()->set_min_size(10);
  config.mutable_limiter()->set_samples_per_insert(2);
  config.mutable_limiter()->set_error_buffer(8);
  config.set_selector(v1::SELECTOR_FIFO);
  config.set_max_times_sampled(1);
  // After n rows, all drawn: 2 (n - 10) - n > 8 from n = 29 on.
  EXPECT_THAT(Refusal(config), HasSubstr("with all drawn after 29 rows"));
  config.set_max_times_sampled(2);
  EXPECT_EQ(Refusal(config), "");
  config.set_capacity(13);
  // 8 + 2 * 10 = 28 samples ahead, 26 draws.
  EXPECT_THAT(Refusal(config), HasSubstr("raise the capacity to 14"));
  config.set_capacity(14);
  EXPECT_EQ(Refusal(config), "");
  config.set_selector(v1::SELECTOR_UNIFORM);
  EXPECT_THAT(Refusal(config), HasSubstr("make max_times_sampled larger"));
  config.set_max_times_sampled(3);
  EXPECT_EQ(Refusal(config), "");
  config.set_selector(v1::SELECTOR_FIFO);
  config.set_remover(v1::REMOVER_NONE);
  // Of 14 rows: (2 * (14 - 10) + 8) / (3 - 2) rows go, and no more.
  EXPECT_THAT(Refusal(config), HasSubstr("after 16 rows have gone"));
  config.set_max_times_sampled(2);
  EXPECT_EQ(Refusal(config), "");
}

TEST(TableConfig, WhatDiffersFromTheStoredOneIsNamedWithBothValues) {
  const v1::TableConfig was = MemoryTable("rows", 1000);
  EXPECT_EQ(Differences(was, was), "");
  v1::TableConfig is = was;
  is.set_capacity(200);
  is.set_selector(v1::SELECTOR_FIFO);
  is.mutable_limiter()->set_min_size(7);
  EXPECT_EQ(Differences(was, is),
            "capacity 1000, now 200; limiter none, now { min_size: 7 }; "
            "selector SELECTOR_UNSPECIFIED, now SELECTOR_FIFO");
}

TEST(MemoryLimit, IsTheLeastOfAllGroupsThatTheProcessIsIn) {
  const TemporaryFolder mount;
  const auto limit = [&](const std::string& group, const std::string& file,
                         const std::string& text) {
    ASSERT_TRUE(process::CreateDirectories(mount / group).ok());
    ASSERT_TRUE(process::WriteFileAtomically(mount / (group + "/" + file), text).ok());
  };
  const uint64_t none = std::numeric_limits<uint64_t>::max();
  EXPECT_EQ(MemoryOfGroups("", mount.path()), none);
  EXPECT_EQ(MemoryOfGroups("0::/a/b\n", mount.path()), none);
  limit("a/b", "memory.max", "max\n");
  EXPECT_EQ(MemoryOfGroups("0::/a/b\n", mount.path()), none);
  limit("a", "memory.max", "3000\n");
  EXPECT_EQ(MemoryOfGroups("0::/a/b\n", mount.path()), 3000);
  limit("a/b", "memory.max", "2000\n");
  EXPECT_EQ(MemoryOfGroups("0::/a/b\n", mount.path()), 2000);
  limit("memory/c", "memory.limit_in_bytes", "1000\n");
  EXPECT_EQ(MemoryOfGroups("5:cpu:/x\n4:memory:/c\n0::/a/b\n", mount.path()), 1000);
  // A container: the name is the host's, the file is at the mount.
  limit("memory", "memory.limit_in_bytes", "500\n");
  EXPECT_EQ(MemoryOfGroups("4:memory:/docker/1234\n", mount.path()), 500);
  EXPECT_GT(MemoryOfMachine(), uint64_t{64} << 20);
}

}  // namespace
}  // namespace estuary::replay
