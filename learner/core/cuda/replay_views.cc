#include "learner/core/cuda/replay_views.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "learner/core/replay/replay_storage.h"

namespace estuary::learner::cuda {
namespace {

bool InOrder(const DeviceReplay* replay) { return replay != nullptr && replay->options().in_order; }

// The same rows, the next of which is drawn at the same step.
bool Same(const ReplayView& a, const ReplayView& b, uint64_t drawn_a_step) {
  if (a.rows != b.rows || a.size != b.size || a.oldest != b.oldest) return false;
  if (a.next < 0 || b.next < 0) return a.next == b.next;
  return a.next + static_cast<int64_t>((b.first_step - a.first_step) * drawn_a_step) == b.next;
}

}  // namespace

ReplayViews::ReplayViews(const LearnerConfig& config, Backend& backend, size_t seeds)
    : config_(config), backend_(backend), known_(2 * seeds) {}

void ReplayViews::Forget() { std::fill(known_.begin(), known_.end(), ReplayView()); }

absl::Status ReplayViews::Update(const std::vector<SeedOptions>& seeds,
                                 const std::vector<uint64_t>& steps_done, const ReplayView* real,
                                 const ReplayView* sim) {
  for (size_t i = 0; i < seeds.size(); ++i) {
    for (const bool is_real : {true, false}) {
      const DeviceReplay* replay = is_real ? seeds[i].real : seeds[i].sim;
      const int drawn = is_real ? config_.RealRowsDrawn() : config_.SimRowsDrawn();
      if (auto status = CheckDrawable(replay, is_real ? "real" : "sim", drawn); !status.ok()) {
        return status;
      }
      if (drawn == 0) continue;
      const DeviceReplay::Storage& storage = replay->storage();
      const ReplayView view = {.rows = storage.rows.const_data_ptr<float>(),
                               .size = storage.size,
                               .oldest = storage.oldest,
                               .next = InOrder(replay) ? storage.next : -1,
                               .first_step = steps_done[i]};
      ReplayView& known = known_[2 * i + (is_real ? 0 : 1)];
      if (Same(known, view, static_cast<uint64_t>(drawn))) continue;
      const ReplayView* to = (is_real ? real : sim) + i;
      if (!backend_.Write(const_cast<ReplayView*>(to), &view, sizeof(view))) {
        return absl::UnavailableError(absl::StrCat("following table '", replay->options().name,
                                                   "' failed: ", std::string(backend_.error())));
      }
      known = view;
    }
  }
  return absl::OkStatus();
}

int ReplayViews::Enough(const std::vector<SeedOptions>& seeds, int wanted) const {
  int64_t steps = wanted;
  for (const SeedOptions& seed : seeds) {
    const int real = config_.RealRowsDrawn(), sim = config_.SimRowsDrawn();
    if (real > 0 && InOrder(seed.real)) steps = std::min(steps, seed.real->size() / real);
    if (sim > 0 && InOrder(seed.sim)) steps = std::min(steps, seed.sim->size() / sim);
  }
  return static_cast<int>(steps);
}

void ReplayViews::Drawn(const std::vector<SeedOptions>& seeds, int steps) const {
  // A replay that seeds share gives them the same rows.
  std::vector<const DeviceReplay*> advanced;
  const auto advance = [&](const DeviceReplay* replay, int64_t rows) {
    if (rows == 0 || !InOrder(replay)) return;
    if (std::find(advanced.begin(), advanced.end(), replay) != advanced.end()) return;
    replay->storage().next += rows * steps;
    advanced.push_back(replay);
  };
  for (const SeedOptions& seed : seeds) {
    advance(seed.real, config_.RealRowsDrawn());
    advance(seed.sim, config_.SimRowsDrawn());
  }
}

}  // namespace estuary::learner::cuda
