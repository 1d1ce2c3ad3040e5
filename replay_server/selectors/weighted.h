// Rows in proportion to priority ^ exponent, and rows that may be drawn only so often.
//
// A row that may be drawn no more weighs exactly 0. A priority of 0 weighs next to nothing instead,
// so that such rows are drawn where nothing else is left, all alike; that is also how rows without
// priorities (exponent 0) are drawn uniformly up to a limit.
//
// Not thread-safe, as every Selector.
#pragma once

#include <memory>
#include <vector>

#include "replay_server/lazy_array.h"
#include "replay_server/selectors/selector.h"
#include "replay_server/selectors/sum_tree.h"

namespace estuary::replay {

class WeightedSelector final : public Selector {
 public:
  struct Options {
    uint64_t capacity = 0;
    // False: all rows alike.
    bool priorities = true;
    double exponent = 1;
    // 0: however often.
    uint32_t max_times = 0;
  };
  static absl::StatusOr<std::unique_ptr<WeightedSelector>> Create(const Options& options);
  static double BytesPerRow(bool priorities, uint32_t max_times);

  uint64_t DrawsLeft(const HeldRows& held) const override;
  double Weight(const HeldRows& /*held*/) const override { return tree_.total(); }
  void Draw(const HeldRows& held, uint32_t rows, std::mt19937_64& random,
            DrawnRows& drawn) override;
  uint64_t UsedUp(const HeldRows& held) const override;
  void Appended(uint64_t first, uint32_t rows, absl::Span<const float> priorities) override;
  void SetPriorities(absl::Span<const uint64_t> rows, absl::Span<const float> priorities) override;

  bool has_priorities() const override { return options_.priorities; }
  float PriorityOf(uint64_t row) const override;
  float max_priority() const override { return max_priority_; }
  void RestoreMaxPriority(float priority) override;
  uint32_t TimesDrawn(uint64_t row) const override;
  void RestoreTimesDrawn(const HeldRows& held, uint64_t row, uint32_t times) override;

 private:
  WeightedSelector(const Options& options, SumTree tree)
      : options_(options), tree_(std::move(tree)) {}

  uint64_t SlotOf(uint64_t row) const { return row % options_.capacity; }
  double WeightOf(float priority) const;
  // The held row that is in the slot.
  uint64_t RowAt(uint64_t slot, const HeldRows& held) const;
  // Of rows whose slots do not wrap.
  void AppendRun(uint64_t first, uint32_t rows, absl::Span<const float> priorities);

  const Options options_;
  SumTree tree_;
  // Where there are priorities, as given.
  LazyArray<float> priorities_;
  // Where draws are limited: how many are left, 0 also for a slot that was never used; and of all.
  LazyArray<uint32_t> left_;
  uint64_t draws_left_ = 0;
  // 0: none was given yet.
  float max_priority_ = 0;
  // Memory for what is appended.
  std::vector<double> weights_;
};

}  // namespace estuary::replay
