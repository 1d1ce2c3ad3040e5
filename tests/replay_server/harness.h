// Servers and rows for the replay tests.
#pragma once

#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/transition/block.h"
#include "common/transition/schema.h"
#include "gtest/gtest.h"
#include "replay_server/replay_server.h"

namespace estuary::replay {

// Files in memory: for tests by the thousand, of what survives a process and not of what survives a
// power cut.
inline constexpr char kMemoryFolder[] = "/dev/shm";

// A folder that goes away with it. Short, for socket names.
class TemporaryFolder {
 public:
  // In `where`, or in /tmp where there is no such folder.
  explicit TemporaryFolder(const std::string& where = "/tmp") {
    std::string name =
        (std::filesystem::is_directory(where) ? where : "/tmp") + "/estuary-test-XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline transition::Schema TestSchema() {
  return transition::Schema::Standard("toy", /*observation_dim=*/3, /*action_dim=*/2, 50'000);
}

// A row that says who it is: `value` is its reward, and every other number follows from it.
inline void AddRow(transition::BlockBuilder& builder, uint32_t value) {
  const auto v = static_cast<float>(value);
  const float observation[3] = {v, v + 0.25F, v + 0.5F};
  const float next_observation[3] = {v + 1, v + 1.25F, v + 1.5F};
  const float action[2] = {0.5F, -0.5F};
  builder.Add({.observation = observation,
               .action = action,
               .reward = v,
               .next_observation = next_observation,
               .terminal = value % 7 == 0,
               .truncated = false,
               .source = v1::TRANSITION_SOURCE_POLICY,
               .policy_version = value,
               .episode = value / 10});
}

inline v1::TransitionBlock Rows(uint32_t first, uint32_t count) {
  transition::BlockBuilder builder(TestSchema());
  for (uint32_t i = 0; i < count; ++i) AddRow(builder, first + i);
  return builder.block();
}

// The values of a block's rows; fails where a row is not whole.
inline std::vector<uint32_t> Values(const v1::TransitionBlock& block) {
  std::vector<uint32_t> values;
  for (uint32_t i = 0; i < block.rows(); ++i) {
    const uint32_t value = transition::Uints(block, transition::kPolicyVersion)[i];
    const auto v = static_cast<float>(value);
    EXPECT_EQ(transition::Floats(block, transition::kReward)[i], v);
    EXPECT_EQ(transition::Floats(block, transition::kObservation)[3 * i + 1], v + 0.25F);
    EXPECT_EQ(transition::Floats(block, transition::kNextObservation)[3 * i + 2], v + 1.5F);
    EXPECT_EQ(transition::Uints(block, transition::kEpisode)[i], value / 10);
    values.push_back(value);
  }
  return values;
}

inline std::vector<uint32_t> Range(uint32_t first, uint32_t count) {
  std::vector<uint32_t> values;
  for (uint32_t i = 0; i < count; ++i) values.push_back(first + i);
  return values;
}

inline v1::TableConfig MemoryTable(const std::string& name, uint64_t capacity) {
  v1::TableConfig config;
  config.set_name(name);
  *config.mutable_schema() = TestSchema().proto();
  config.set_capacity(capacity);
  config.set_remover(v1::REMOVER_FIFO);
  config.set_durability(v1::DURABILITY_MEMORY);
  return config;
}

inline v1::TableConfig DiskTable(const std::string& name, uint64_t capacity) {
  v1::TableConfig config = MemoryTable(name, capacity);
  config.set_remover(v1::REMOVER_NONE);
  config.set_durability(v1::DURABILITY_DISK);
  return config;
}

// A server in this process, at <folder>/socket with data in <folder>/data.
inline ReplayServer::Options ServerOptions(const std::string& folder,
                                           const std::vector<v1::TableConfig>& tables) {
  ReplayServer::Options options;
  options.shard.data_dir = folder + "/data";
  options.shard.checkpoint_every = absl::InfiniteDuration();
  for (const v1::TableConfig& table : tables) *options.shard.tables.add_tables() = table;
  options.server.addresses = {"unix:" + folder + "/socket"};
  return options;
}

inline std::unique_ptr<ReplayServer> StartServer(const std::string& folder,
                                                 const std::vector<v1::TableConfig>& tables) {
  auto server = ReplayServer::Start(ServerOptions(folder, tables));
  EXPECT_TRUE(server.ok()) << server.status();
  return server.ok() ? *std::move(server) : nullptr;
}

inline std::string Address(const std::string& folder) { return "unix:" + folder + "/socket"; }

}  // namespace estuary::replay
