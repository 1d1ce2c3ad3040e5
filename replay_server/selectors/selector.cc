#include "replay_server/selectors/selector.h"

#include <utility>

#include "common/process/status.h"
#include "replay_server/selectors/fifo.h"
#include "replay_server/selectors/uniform.h"
#include "replay_server/selectors/weighted.h"

namespace estuary::replay {
namespace {

bool Weighted(const v1::TableConfig& config) {
  if (config.selector() == v1::SELECTOR_PRIORITIZED) return true;
  return config.selector() != v1::SELECTOR_FIFO && config.max_times_sampled() > 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Selector>> MakeSelector(const v1::TableConfig& config,
                                                       uint64_t capacity) {
  if (Weighted(config)) {
    ESTUARY_ASSIGN_OR_RETURN(
        std::unique_ptr<WeightedSelector> selector,
        WeightedSelector::Create({.capacity = capacity,
                                  .priorities = config.selector() == v1::SELECTOR_PRIORITIZED,
                                  .exponent = config.priority_exponent(),
                                  .max_times = config.max_times_sampled()}));
    return selector;
  }
  if (config.selector() == v1::SELECTOR_FIFO) {
    return std::make_unique<FifoSelector>(config.max_times_sampled());
  }
  return std::make_unique<UniformSelector>();
}

double SelectorBytesPerRow(const v1::TableConfig& config) {
  if (!Weighted(config)) return 0;
  return WeightedSelector::BytesPerRow(config.selector() == v1::SELECTOR_PRIORITIZED,
                                       config.max_times_sampled());
}

}  // namespace estuary::replay
