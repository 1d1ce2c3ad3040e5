#include "actors/exploration.h"

#include <cmath>

namespace estuary::actor {

Exploration::Exploration(int worlds, int action_dim, double correlation, uint64_t seed)
    : action_dim_(action_dim),
      correlation_(correlation),
      innovation_(std::sqrt(1 - correlation * correlation)),
      fresh_(worlds, true),
      noise_(static_cast<size_t>(worlds) * action_dim) {
  for (int w = 0; w < worlds; ++w) random_.emplace_back(seed, w);
}

void Exploration::Advance(int world) {
  worlds::Random& random = random_[world];
  float* noise = &noise_[static_cast<size_t>(world) * action_dim_];
  const double kept = fresh_[world] ? 0 : correlation_;
  const double drawn = fresh_[world] ? 1 : innovation_;
  fresh_[world] = false;
  for (int i = 0; i < action_dim_; ++i) {
    noise[i] = static_cast<float>(kept * noise[i] + drawn * random.Normal());
  }
}

void Exploration::RandomAction(int world, absl::Span<float> action) {
  for (float& value : action) value = static_cast<float>(random_[world].Uniform(-1, 1));
}

}  // namespace estuary::actor
