#include "learner/service/block_columns.h"

#include "common/transition/block.h"

namespace estuary::learner {

TransitionColumns BlockColumns(const transition::Schema& schema, const v1::TransitionBlock& block,
                               uint64_t from, uint64_t count, std::vector<float>* terminal) {
  const size_t observation = static_cast<size_t>(schema.observation_dim());
  const size_t action = static_cast<size_t>(schema.action_dim());
  const absl::Span<const uint8_t> flags =
      transition::Bytes(block, transition::kFlags).subspan(from, count);
  terminal->resize(count);
  for (size_t i = 0; i < count; ++i) {
    (*terminal)[i] = (flags[i] & v1::TRANSITION_FLAG_TERMINAL) != 0 ? 1.0f : 0.0f;
  }
  TransitionColumns columns;
  columns.observation = transition::Floats(block, transition::kObservation)
                            .subspan(from * observation, count * observation);
  columns.action =
      transition::Floats(block, transition::kAction).subspan(from * action, count * action);
  columns.next_observation = transition::Floats(block, transition::kNextObservation)
                                 .subspan(from * observation, count * observation);
  columns.reward = transition::Floats(block, transition::kReward).subspan(from, count);
  columns.terminal = *terminal;
  return columns;
}

}  // namespace estuary::learner
