#include "cli/data/recorded.h"

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "common/client/replay_follower.h"
#include "common/client/replay_shards.h"
#include "common/experiment/experiment.h"
#include "common/process/status.h"
#include "common/transition/block.h"

namespace estuary::cli {
namespace {

void AppendRow(const v1::TransitionBlock& block, size_t row, Recorded& to) {
  worlds::DatasetColumns& c = to.columns;
  const auto copy = [row](absl::Span<const float> values, int width, std::vector<float>& target) {
    const auto part = values.subspan(row * width, width);
    target.insert(target.end(), part.begin(), part.end());
  };
  copy(transition::Floats(block, transition::kObservation), c.observation_dim, c.observation);
  copy(transition::Floats(block, transition::kAction), c.action_dim, c.action);
  copy(transition::Floats(block, transition::kReward), 1, c.reward);
  copy(transition::Floats(block, transition::kNextObservation), c.observation_dim,
       c.next_observation);
  const uint8_t flags = transition::Bytes(block, transition::kFlags)[row];
  c.terminal.push_back((flags & v1::TRANSITION_FLAG_TERMINAL) != 0 ? 1 : 0);
  c.timeout.push_back((flags & v1::TRANSITION_FLAG_TRUNCATED) != 0 ? 1 : 0);
  to.source.push_back(transition::Bytes(block, transition::kSource)[row]);
  to.policy_version.push_back(transition::Uints(block, transition::kPolicyVersion)[row]);
  to.episode.push_back(transition::Uints(block, transition::kEpisode)[row]);
}

// Blocks of one shard, and the rows in them.
struct ShardRows {
  std::vector<v1::TransitionBlock> blocks;
  // (block, row) of imported rows and of the others, in the log's order.
  std::vector<std::pair<size_t, size_t>> imported;
  std::vector<std::pair<size_t, size_t>> others;
};

void Take(v1::TransitionBlock block, ShardRows& rows) {
  const size_t index = rows.blocks.size();
  const auto sources = transition::Bytes(block, transition::kSource);
  for (size_t i = 0; i < block.rows(); ++i) {
    const bool imported = sources[i] == v1::TRANSITION_SOURCE_DATASET;
    (imported ? rows.imported : rows.others).emplace_back(index, i);
  }
  rows.blocks.push_back(std::move(block));
}

absl::StatusOr<std::vector<ShardRows>> ReadShards(const std::vector<std::string>& shards,
                                                  const transition::Schema& schema,
                                                  absl::Duration timeout) {
  // What is there now; rows that arrive meanwhile are not waited for.
  std::vector<uint64_t> ends(shards.size(), 0);
  const auto answers = client::DescribeShards(shards, timeout);
  for (size_t i = 0; i < shards.size(); ++i) {
    if (!answers[i].ok()) {
      return process::Annotate(answers[i].status(), absl::StrCat("shard ", shards[i]));
    }
    const v1::TableStatus* table = client::FindTable(*answers[i], experiment::kRealTable);
    if (table != nullptr && table->rows() > 0) ends[i] = table->next_cursor();
  }
  ESTUARY_ASSIGN_OR_RETURN(
      auto follower,
      client::ReplayFollower::Start(
          {.shards = shards, .table = experiment::kRealTable, .schema = schema, .cursors = {}}));
  std::vector<ShardRows> rows(shards.size());
  std::vector<uint64_t> reached(shards.size(), 0);
  const auto done = [&] {
    for (size_t i = 0; i < ends.size(); ++i) {
      if (reached[i] < ends[i]) return false;
    }
    return true;
  };
  while (!done()) {
    ESTUARY_ASSIGN_OR_RETURN(client::FollowedBlock followed, follower->Next(timeout));
    reached[followed.shard] = followed.end;
    Take(std::move(followed.block), rows[followed.shard]);
  }
  return rows;
}

}  // namespace

absl::StatusOr<Recorded> ReadRealTable(const std::vector<std::string>& shards,
                                       const transition::Schema& schema, absl::Duration timeout) {
  ESTUARY_ASSIGN_OR_RETURN(const std::vector<ShardRows> all, ReadShards(shards, schema, timeout));
  Recorded recorded;
  recorded.columns.observation_dim = schema.observation_dim();
  recorded.columns.action_dim = schema.action_dim();
  size_t longest = 0;
  for (const ShardRows& rows : all) longest = std::max(longest, rows.imported.size());
  // An import dealt its rows out one by one: taking them in turn gives the file's order again.
  for (size_t i = 0; i < longest; ++i) {
    for (const ShardRows& rows : all) {
      if (i >= rows.imported.size()) continue;
      const auto [block, row] = rows.imported[i];
      AppendRow(rows.blocks[block], row, recorded);
    }
  }
  for (const ShardRows& rows : all) {
    for (const auto& [block, row] : rows.others) AppendRow(rows.blocks[block], row, recorded);
  }
  return recorded;
}

}  // namespace estuary::cli
