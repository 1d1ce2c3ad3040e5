#include "cli/data/recorded.h"

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
  return recorded;
}

}  // namespace estuary::cli
