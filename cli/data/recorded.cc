#include "cli/data/recorded.h"

#include <algorithm>

#include "cli/data/table_stream.h"
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

}  // namespace

absl::StatusOr<Recorded> ReadRealTable(const std::vector<std::string>& shards,
                                       const transition::Schema& schema, absl::Duration timeout) {
  Recorded recorded;
  recorded.columns.observation_dim = schema.observation_dim();
  recorded.columns.action_dim = schema.action_dim();
  TableStreamProgress progress;
  ESTUARY_RETURN_IF_ERROR(
      StreamRealTable({.shards = shards, .schema = schema, .timeout = timeout}, progress,
                      [&recorded](const v1::TransitionBlock& block, size_t row) {
                        AppendRow(block, row, recorded);
                        return absl::OkStatus();
                      }));
  size_t imported = 0;
  while (imported < recorded.source.size() &&
         recorded.source[imported] == v1::TRANSITION_SOURCE_DATASET) {
    ++imported;
  }
  MarkCuts(imported, recorded);
  return recorded;
}

void MarkCuts(size_t first, Recorded& recorded) {
  worlds::DatasetColumns& c = recorded.columns;
  const auto goes_on = [&](size_t row) {
    if (row + 1 == c.size() || recorded.episode[row] != recorded.episode[row + 1]) return false;
    const size_t width = c.observation_dim;
    const auto next = c.next_observation.begin() + static_cast<ptrdiff_t>(row * width);
    return std::equal(next, next + static_cast<ptrdiff_t>(width),
                      c.observation.begin() + static_cast<ptrdiff_t>((row + 1) * width));
  };
  for (size_t row = first; row < c.size(); ++row) {
    if (c.terminal[row] == 0 && !goes_on(row)) c.timeout[row] = 1;
  }
}

void KeepFirst(size_t rows, Recorded& recorded) {
  worlds::DatasetColumns& c = recorded.columns;
  if (rows == 0 || rows >= c.size()) return;
  c.observation.resize(rows * c.observation_dim);
  c.next_observation.resize(rows * c.observation_dim);
  c.action.resize(rows * c.action_dim);
  c.reward.resize(rows);
  c.terminal.resize(rows);
  c.timeout.resize(rows);
  recorded.source.resize(rows);
  recorded.policy_version.resize(rows);
  recorded.episode.resize(rows);
  if (c.terminal.back() == 0) c.timeout.back() = 1;
}

}  // namespace estuary::cli
