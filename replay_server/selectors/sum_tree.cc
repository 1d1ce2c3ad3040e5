#include "replay_server/selectors/sum_tree.h"

#include "common/process/status.h"

namespace estuary::replay {

absl::StatusOr<SumTree> SumTree::Create(uint64_t slots) {
  SumTree tree;
  uint64_t nodes = slots;
  while (true) {
    // Whole lines; what is beyond the slots stays 0.
    const uint64_t rounded = nodes > 1 ? (nodes + kFan - 1) / kFan * kFan : kFan;
    ESTUARY_ASSIGN_OR_RETURN(LazyArray<double> level, LazyArray<double>::Create(rounded));
    tree.levels_.push_back(std::move(level));
    if (nodes == 1) return tree;
    nodes = rounded / kFan;
  }
}

double SumTree::SumOf(const double* node) {
  return ((node[0] + node[1]) + (node[2] + node[3])) + ((node[4] + node[5]) + (node[6] + node[7]));
}

void SumTree::Set(uint64_t slot, double weight) {
  levels_.front()[slot] = weight;
  for (size_t i = 1; i < levels_.size(); ++i) {
    slot /= kFan;
    levels_[i][slot] = SumOf(&levels_[i - 1][slot * kFan]);
  }
}

void SumTree::SetRun(uint64_t slot, absl::Span<const double> weights) {
  if (weights.empty()) return;
  for (size_t i = 0; i < weights.size(); ++i) levels_.front()[slot + i] = weights[i];
  uint64_t first = slot;
  uint64_t last = slot + weights.size() - 1;
  for (size_t i = 1; i < levels_.size(); ++i) {
    first /= kFan;
    last /= kFan;
    for (uint64_t node = first; node <= last; ++node) {
      levels_[i][node] = SumOf(&levels_[i - 1][node * kFan]);
    }
  }
}

uint64_t SumTree::Descend(const double* node, double& target) {
  uint64_t last = 0;
  for (uint64_t child = 0; child < kFan; ++child) {
    if (node[child] <= 0) continue;
    if (target < node[child]) return child;
    last = child;
    target -= node[child];
  }
  // Rounding took the target past the end: the end is the last that weighs something.
  target = node[last];
  return last;
}

uint64_t SumTree::Find(double target) const {
  uint64_t node = 0;
  for (size_t i = levels_.size() - 1; i-- > 0;) {
    node = node * kFan + Descend(&levels_[i][node * kFan], target);
  }
  return node;
}

void SumTree::FindAll(absl::Span<double> targets, absl::Span<uint64_t> slots) const {
  for (uint64_t& slot : slots) slot = 0;
  for (size_t i = levels_.size() - 1; i-- > 0;) {
    const double* level = levels_[i].data();
    for (size_t k = 0; k < targets.size(); ++k) {
      slots[k] = slots[k] * kFan + Descend(level + slots[k] * kFan, targets[k]);
      if (i > 0) __builtin_prefetch(levels_[i - 1].data() + slots[k] * kFan);
    }
  }
}

}  // namespace estuary::replay
