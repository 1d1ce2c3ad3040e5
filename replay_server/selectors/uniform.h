// Every held row alike, with replacement.
#pragma once

#include "replay_server/selectors/selector.h"

namespace estuary::replay {

class UniformSelector final : public Selector {
 public:
  uint64_t DrawsLeft(const HeldRows& held) const override {
    return held.count() > 0 ? kUnlimited : 0;
  }

  void Draw(const HeldRows& held, uint32_t rows, std::mt19937_64& random,
            DrawnRows& drawn) override {
    drawn.rows.resize(rows);
    const uint64_t count = held.count();
    for (uint64_t& row : drawn.rows) row = held.first + DrawBelow(count, random);
    drawn.probabilities.assign(1, 1.0 / static_cast<double>(count));
  }
};

}  // namespace estuary::replay
