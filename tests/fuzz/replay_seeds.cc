#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/process/files.h"
#include "common/transition/block.h"
#include "tests/fuzz/harness/scratch.h"
#include "tests/fuzz/replay_tables.h"
#include "tests/fuzz/seeds.h"

namespace estuary::fuzz {
namespace {

v1::TransitionBlock Rows(int first, int count) {
  transition::BlockBuilder builder(ToySchema());
  for (int i = first; i < first + count; ++i) {
    const auto v = static_cast<float>(i);
    const float observation[2] = {v, -v};
    const float next_observation[2] = {v + 1, -v - 1};
    const float action[1] = {0.5F};
    builder.Add({.observation = observation,
                 .action = action,
                 .reward = v,
                 .next_observation = next_observation,
                 .terminal = i % 5 == 4,
                 .truncated = false,
                 .source = v1::TRANSITION_SOURCE_POLICY,
                 .policy_version = 1,
                 .episode = static_cast<uint32_t>(i / 5)});
  }
  return builder.block();
}

std::string Hello(const std::string& table) {
  v1::AppendRequest request;
  request.mutable_hello()->set_table(table);
  request.mutable_hello()->set_writer_id("run/actor-0");
  *request.mutable_hello()->mutable_schema() = ToySchema().proto();
  return request.SerializeAsString();
}

std::string Block(uint64_t sequence, const v1::TransitionBlock& rows) {
  v1::AppendRequest request;
  request.mutable_block()->set_first_sequence(sequence);
  *request.mutable_block()->mutable_block() = rows;
  return request.SerializeAsString();
}

// What a shard of the fuzzers' kind leaves in its folder.
void FillShard(const std::string& folder) {
  process::Metrics metrics;
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/shard_id") << kShardId;
  for (int start = 0; start < 2; ++start) {
    const auto shard = OpenShard(folder, metrics, false);
    for (const char* name : {"real", "sim"}) {
      replay::ShardTable& table = **shard->Find(name);
      const auto session = table.table->OpenWriter("run/actor-0");
      for (int i = 0; i < 3; ++i) {
        v1::TransitionBlock rows = Rows(10 * start + 3 * i, 3);
        if (!table.Append(*session, 9 * start + 3 * i, rows, 0, false, nullptr).ok()) std::abort();
      }
      while (!table.table->StateOf(*session, nullptr).settled)
        absl::SleepFor(absl::Milliseconds(1));
    }
    if (!shard->Checkpoint().ok()) std::abort();
  }
}

}  // namespace

void SeedAppendBlock(Seeds& seeds) {
  std::string input;
  AppendPiece(Hello("sim"), input);
  AppendPiece(Block(0, Rows(0, 3)), input);
  seeds.Add("three_rows", input);
  AppendPiece(Block(2, Rows(2, 4)), input);
  AppendPiece(Hello("sim"), input);
  AppendPiece(Block(6, Rows(6, 20)), input);
  seeds.Add("overlap_and_wrap", input);
  v1::TransitionBlock bad = Rows(0, 2);
  bad.mutable_columns(transition::kReward)->replace(0, 4, "\xff\xff\xff\xff");
  input.clear();
  AppendPiece(Hello("sim"), input);
  AppendPiece(Block(0, bad), input);
  AppendPiece(Block(7, Rows(0, 1)), input);
  seeds.Add("nan_and_gap", input);
}

void SeedReplayStreams(Seeds& seeds) {
  enum Call : char { kAppend, kFollow, kSample, kUpdatePriorities };
  std::string append(1, kAppend);
  AppendPiece(Hello("sim"), append);
  AppendPiece(Block(0, Rows(0, 3)), append);
  AppendPiece(Block(3, Rows(3, 20)), append);
  seeds.Add("append", append);
  std::string durable(1, kAppend);
  AppendPiece(Hello("real"), durable);
  AppendPiece(Block(0, Rows(0, 3)), durable);
  seeds.Add("append_durable", durable);
  for (const uint64_t cursor : {uint64_t{0}, uint64_t{3}, uint64_t{500}, uint64_t{1} << 50}) {
    v1::FollowRequest request;
    request.mutable_hello()->set_table("sim");
    request.mutable_hello()->set_cursor(cursor);
    request.mutable_hello()->set_max_rows(2);
    *request.mutable_hello()->mutable_schema() = ToySchema().proto();
    request.set_samples_drawn(1.5);
    std::string input(1, kFollow);
    AppendPiece(request.SerializeAsString(), input);
    request.clear_hello();
    AppendPiece(request.SerializeAsString(), input);
    seeds.Add(absl::StrCat("follow_", cursor), input);
  }
  for (const char* table : {"sim", "prio"}) {
    v1::SampleRequest request;
    request.mutable_hello()->set_table(table);
    request.mutable_hello()->set_batch_size(4);
    request.mutable_hello()->set_seed(7);
    *request.mutable_hello()->mutable_schema() = ToySchema().proto();
    request.set_credits(3);
    std::string input(1, kSample);
    AppendPiece(request.SerializeAsString(), input);
    seeds.Add(absl::StrCat("sample_", table), input);
  }
  v1::UpdatePrioritiesRequest update;
  update.set_table("prio");
  for (const uint64_t cursor : {uint64_t{2}, uint64_t{1001}, uint64_t{77}}) {
    update.add_cursor(cursor);
    update.add_priority(0.5);
  }
  std::string input(1, kUpdatePriorities);
  AppendPiece(update.SerializeAsString(), input);
  seeds.Add("update_priorities", input);
}

void SeedCheckpointFile(Seeds& seeds) {
  const Scratch scratch;
  const std::string folder = scratch.path() + "/data";
  FillShard(folder);
  for (const bool seal : {false, true}) {
    std::string input;
    for (const char* name : {"000000001", "000000002"}) {
      input += seal ? '\1' : '\0';
      AppendPiece(*process::ReadFile(folder + "/sim/" + name + ".checkpoint"), input);
    }
    seeds.Add(seal ? "two_sealed" : "two", input);
  }
}

void SeedSegmentLog(Seeds& seeds) {
  const Scratch scratch;
  const std::string folder = scratch.path() + "/data";
  FillShard(folder);
  for (const bool seal : {false, true}) {
    for (const bool salvage : {false, true}) {
      std::string input(1, salvage ? '\1' : '\0');
      for (const auto& entry : std::filesystem::directory_iterator(folder + "/real")) {
        if (entry.path().extension() != ".segment") continue;
        AppendNumber<uint64_t>(std::stoull(entry.path().stem().string()), input);
        input += seal ? '\1' : '\0';
        AppendPiece(*process::ReadFile(entry.path().string()), input);
      }
      seeds.Add(std::string("log") + (seal ? "_sealed" : "") + (salvage ? "_salvaged" : ""), input);
    }
  }
}

}  // namespace estuary::fuzz
