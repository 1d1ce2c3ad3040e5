// The native engine's random numbers: a stream of words from a seed, normal numbers from it by Box
// and Muller, 16 lanes at once. Two streams of one seed are independent.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "learner/core/native/aligned.h"
#include "learner/core/native/kernels.h"

namespace estuary::learner::native {

class Random {
 public:
  Random(uint64_t seed, uint64_t stream);

  // Room for `count` numbers as the functions below write them.
  static Floats Room(int64_t count) { return Floats((count + 31) / 32 * 32); }

  // Standard normal; `out` from Room(count).
  void Normals(Floats& out);
  // Uniform in [-bound, bound).
  void Uniforms(float bound, int64_t count, float* out);
  // Uniform in [0, range), for range below 2^48; exact to one part in 2^64 / range.
  void Integers(uint64_t range, int64_t count, int64_t* out);

  std::string State() const;
  // False, and nothing changes, where these are not a state's bytes.
  bool SetState(absl::string_view bytes);

 private:
  RandomLanes lanes_;
};

}  // namespace estuary::learner::native
