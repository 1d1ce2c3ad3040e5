// The oldest row that may still be drawn: with a limit on draws, a queue.
#pragma once

#include <algorithm>

#include "replay_server/selectors/selector.h"

namespace estuary::replay {

class FifoSelector final : public Selector {
 public:
  // 0: the oldest row, however often.
  explicit FifoSelector(uint32_t max_times) : max_times_(max_times) {}

  uint64_t DrawsLeft(const HeldRows& held) const override {
    if (max_times_ == 0) return held.count() > 0 ? kUnlimited : 0;
    return (held.next - Front(held)) * max_times_ - TimesDrawn(Front(held));
  }

  void Draw(const HeldRows& held, uint32_t rows, std::mt19937_64& /*random*/,
            DrawnRows& drawn) override {
    drawn.rows.resize(rows);
    drawn.probabilities.assign(1, 1.0);
    if (max_times_ == 0) {
      std::fill(drawn.rows.begin(), drawn.rows.end(), held.first);
      return;
    }
    times_ = TimesDrawn(Front(held));
    front_ = Front(held);
    for (uint64_t& row : drawn.rows) {
      row = front_;
      if (++times_ < max_times_) continue;
      ++front_;
      times_ = 0;
    }
  }

  uint64_t UsedUp(const HeldRows& held) const override {
    return max_times_ == 0 ? 0 : Front(held) - held.first;
  }

  uint32_t TimesDrawn(uint64_t row) const override { return row == front_ ? times_ : 0; }
  void RestoreTimesDrawn(const HeldRows& held, uint64_t row, uint32_t times) override {
    // Others were drawn only where the table drew otherwise then.
    if (times == 0 || max_times_ == 0 || row != held.first) return;
    front_ = times < max_times_ ? row : row + 1;
    times_ = times < max_times_ ? times : 0;
  }

 private:
  // The row that is drawn next. Rows may have gone without being drawn.
  uint64_t Front(const HeldRows& held) const { return std::max(front_, held.first); }

  const uint32_t max_times_;
  uint64_t front_ = 0;
  // How often that was drawn.
  uint32_t times_ = 0;
};

}  // namespace estuary::replay
