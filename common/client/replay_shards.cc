#include "common/client/replay_shards.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <set>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/client/shard_directory.h"
#include "common/process/channel.h"
#include "common/process/explain.h"
#include "common/process/security.h"
#include "common/process/status.h"
#include "estuary/v1/replay.grpc.pb.h"

namespace estuary::client {
namespace {

// How long a name is given until it stands for a shard that answers.
constexpr absl::Duration kFindShards = absl::Minutes(1);

// FNV-1a with a final mix: the same on every machine and in every build, which absl::Hash is not.
uint64_t Hash(absl::string_view a, absl::string_view b) {
  uint64_t hash = 0xcbf29ce484222325;
  const auto eat = [&hash](absl::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
    hash = (hash ^ 0xff) * 0x100000001b3;
  };
  eat(a);
  eat(b);
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
  return hash ^ (hash >> 33);
}

}  // namespace

absl::StatusOr<v1::DescribeResponse> DescribeShardAt(const std::string& address,
                                                     const std::string& server_name,
                                                     absl::Duration timeout) {
  const auto stub = v1::Replay::NewStub(process::MakeChannel(
      address, process::Role::kReplay, process::ProcessSecurity(), server_name));
  grpc::ClientContext context;
  process::SetDeadline(context, timeout);
  context.set_wait_for_ready(true);
  v1::DescribeResponse response;
  const absl::Status status =
      process::FromGrpc(stub->Describe(&context, v1::DescribeRequest(), &response));
  if (status.ok()) return response;
  return process::Annotate(
      process::ExplainCall(status, address, process::Role::kReplay, server_name),
      absl::StrCat("replay shard at ", address));
}

absl::StatusOr<std::vector<std::string>> ParseShards(absl::string_view text) {
  std::vector<std::string> shards;
  std::set<std::string> seen;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    const std::string shard(absl::StripAsciiWhitespace(part));
    if (shard.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("shard map '", text, "' has an empty address; write ADDRESS,ADDRESS"));
    }
    ESTUARY_RETURN_IF_ERROR(process::CheckPeerAddress(shard));
    if (ShardDirectory::IsName(shard)) {
      ESTUARY_ASSIGN_OR_RETURN(const std::vector<std::string> targets,
                               ShardDirectory::Process().Resolve(shard, kFindShards));
      shards.insert(shards.end(), targets.begin(), targets.end());
      continue;
    }
    if (!seen.insert(shard).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("shard map '", text, "' has ", shard, " twice"));
    }
    shards.push_back(shard);
  }
  return shards;
}

std::vector<int> RankShards(const std::vector<std::string>& shards, absl::string_view writer_id) {
  std::vector<int> order(shards.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int a, int b) {
    const uint64_t weight_a = Hash(shards[a], writer_id);
    const uint64_t weight_b = Hash(shards[b], writer_id);
    return weight_a != weight_b ? weight_a > weight_b : shards[a] < shards[b];
  });
  return order;
}

std::vector<absl::StatusOr<v1::DescribeResponse>> DescribeShards(
    const std::vector<std::string>& shards, absl::Duration timeout) {
  std::vector<absl::StatusOr<v1::DescribeResponse>> answers(shards.size(),
                                                            absl::UnknownError("not asked"));
  std::vector<std::thread> threads;
  for (size_t i = 0; i < shards.size(); ++i) {
    threads.emplace_back([&, i] {
      answers[i] = DescribeShardAt(ShardDirectory::Process().AddressOf(shards[i]),
                                   ShardDirectory::ServerName(shards[i]), timeout);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return answers;
}

const v1::TableStatus* FindTable(const v1::DescribeResponse& shard, absl::string_view table) {
  for (const v1::TableStatus& status : shard.tables()) {
    if (absl::string_view(status.config().name()) == table) return &status;
  }
  return nullptr;
}

}  // namespace estuary::client
