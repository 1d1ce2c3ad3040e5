// How an actor explores: the noise that its stochastic policy is fed, and uniform random actions.
//
// Noise of one world is AR(1) within an episode, n_t = rho n_(t-1) + sqrt(1 - rho^2) N(0, 1), and
// starts anew from N(0, 1) with every episode, so that its variance is 1 at every step. A world has
// a stream of random numbers of its own: what it draws does not depend on how many worlds there are
// beside it.
//
// Not thread-safe; allocates nothing after construction.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "worlds/random.h"

namespace estuary::actor {

class Exploration {
 public:
  // `correlation` is rho, in [0, 1).
  Exploration(int worlds, int action_dim, double correlation, uint64_t seed);

  // The world's next Advance draws afresh.
  void StartEpisode(int world) { fresh_[world] = true; }
  // The world's noise for its next step.
  void Advance(int world);
  // [worlds, action_dim], as last advanced.
  absl::Span<const float> noise() const { return noise_; }

  // Uniform in [-1, 1).
  void RandomAction(int world, absl::Span<float> action);

 private:
  const int action_dim_;
  const double correlation_;
  const double innovation_;
  std::vector<worlds::Random> random_;
  std::vector<uint8_t> fresh_;
  std::vector<float> noise_;
};

}  // namespace estuary::actor
