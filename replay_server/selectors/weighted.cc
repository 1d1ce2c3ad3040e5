#include "replay_server/selectors/weighted.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/process/status.h"

namespace estuary::replay {
namespace {

// Below every weight that a priority above 0 can have (exponents end at 4), and with room below.
constexpr double kLeastWeight = 1e-290;

double Target(double total, std::mt19937_64& random) {
  return static_cast<double>(random() >> 11) * 0x1p-53 * total;
}

}  // namespace

absl::StatusOr<std::unique_ptr<WeightedSelector>> WeightedSelector::Create(const Options& options) {
  ESTUARY_ASSIGN_OR_RETURN(SumTree tree, SumTree::Create(options.capacity));
  auto selector = std::unique_ptr<WeightedSelector>(new WeightedSelector(options, std::move(tree)));
  if (options.priorities) {
    ESTUARY_ASSIGN_OR_RETURN(selector->priorities_, LazyArray<float>::Create(options.capacity));
  }
  if (options.max_times > 0) {
    ESTUARY_ASSIGN_OR_RETURN(selector->left_, LazyArray<uint32_t>::Create(options.capacity));
  }
  return selector;
}

double WeightedSelector::BytesPerRow(bool priorities, uint32_t max_times) {
  return SumTree::kBytesPerSlot + (priorities ? sizeof(float) : 0) +
         (max_times > 0 ? sizeof(uint32_t) : 0);
}

double WeightedSelector::WeightOf(float priority) const {
  if (!options_.priorities) return 1;
  if (priority <= 0) return kLeastWeight;
  return std::max(kLeastWeight, std::pow(static_cast<double>(priority), options_.exponent));
}

uint64_t WeightedSelector::RowAt(uint64_t slot, const HeldRows& held) const {
  const uint64_t row = held.first - SlotOf(held.first) + slot;
  return row >= held.first ? row : row + options_.capacity;
}

uint64_t WeightedSelector::DrawsLeft(const HeldRows& held) const {
  if (options_.max_times > 0) return draws_left_;
  return held.count() > 0 ? kUnlimited : 0;
}

void WeightedSelector::Draw(const HeldRows& held, uint32_t rows, std::mt19937_64& random,
                            DrawnRows& drawn) {
  drawn.rows.resize(rows);
  drawn.probabilities.resize(rows);
  if (options_.max_times == 0) {
    const double total = tree_.total();
    drawn.targets.resize(rows);
    for (double& target : drawn.targets) target = Target(total, random);
    tree_.FindAll(absl::MakeSpan(drawn.targets), absl::MakeSpan(drawn.rows));
    for (uint32_t i = 0; i < rows; ++i) {
      drawn.probabilities[i] = tree_.weight(drawn.rows[i]) / total;
      drawn.rows[i] = RowAt(drawn.rows[i], held);
    }
    return;
  }
  for (uint32_t i = 0; i < rows; ++i) {
    const double total = tree_.total();
    const uint64_t slot = tree_.Find(Target(total, random));
    drawn.probabilities[i] = tree_.weight(slot) / total;
    drawn.rows[i] = RowAt(slot, held);
    --draws_left_;
    if (--left_[slot] == 0) tree_.Set(slot, 0);
  }
}

uint64_t WeightedSelector::UsedUp(const HeldRows& held) const {
  if (options_.max_times == 0) return 0;
  uint64_t row = held.first;
  while (row < held.next && left_[SlotOf(row)] == 0) ++row;
  return row - held.first;
}

void WeightedSelector::Appended(uint64_t first, uint32_t rows, absl::Span<const float> priorities) {
  if (!options_.priorities) priorities = {};
  // Of more rows than there are slots, the last remain.
  if (rows > options_.capacity) {
    const auto skipped = static_cast<uint32_t>(rows - options_.capacity);
    if (!priorities.empty()) priorities.remove_prefix(skipped);
    first += skipped;
    rows -= skipped;
  }
  const auto until_end =
      static_cast<uint32_t>(std::min<uint64_t>(rows, options_.capacity - SlotOf(first)));
  AppendRun(first, until_end, priorities.subspan(0, until_end));
  if (until_end == rows) return;
  if (!priorities.empty()) priorities.remove_prefix(until_end);
  AppendRun(first + until_end, rows - until_end, priorities);
}

void WeightedSelector::AppendRun(uint64_t first, uint32_t rows,
                                 absl::Span<const float> priorities) {
  const uint64_t slot = SlotOf(first);
  if (options_.max_times > 0) {
    for (uint32_t i = 0; i < rows; ++i) {
      // What a row that goes now had left goes with it.
      draws_left_ += options_.max_times - left_[slot + i];
      left_[slot + i] = options_.max_times;
    }
  }
  for (const float priority : priorities) max_priority_ = std::max(max_priority_, priority);
  const float usual = max_priority_ > 0 ? max_priority_ : 1;
  weights_.resize(rows);
  if (priorities.empty()) std::fill(weights_.begin(), weights_.end(), WeightOf(usual));
  for (uint32_t i = 0; i < rows && options_.priorities; ++i) {
    priorities_[slot + i] = priorities.empty() ? usual : priorities[i];
    if (!priorities.empty()) weights_[i] = WeightOf(priorities[i]);
  }
  tree_.SetRun(slot, weights_);
}

void WeightedSelector::SetPriorities(absl::Span<const uint64_t> rows,
                                     absl::Span<const float> priorities) {
  for (size_t i = 0; i < rows.size(); ++i) {
    const uint64_t slot = SlotOf(rows[i]);
    max_priority_ = std::max(max_priority_, priorities[i]);
    priorities_[slot] = priorities[i];
    if (options_.max_times == 0 || left_[slot] > 0) tree_.Set(slot, WeightOf(priorities[i]));
  }
}

float WeightedSelector::PriorityOf(uint64_t row) const {
  return options_.priorities ? priorities_[SlotOf(row)] : 0;
}

void WeightedSelector::RestoreMaxPriority(float priority) {
  max_priority_ = std::max(max_priority_, priority);
}

uint32_t WeightedSelector::TimesDrawn(uint64_t row) const {
  return options_.max_times == 0 ? 0 : options_.max_times - left_[SlotOf(row)];
}

void WeightedSelector::RestoreTimesDrawn(const HeldRows& /*held*/, uint64_t row, uint32_t times) {
  if (options_.max_times == 0) return;
  const uint64_t slot = SlotOf(row);
  const uint32_t left = options_.max_times - std::min(times, options_.max_times);
  draws_left_ -= left_[slot] - left;
  left_[slot] = left;
  if (left == 0) tree_.Set(slot, 0);
}

}  // namespace estuary::replay
