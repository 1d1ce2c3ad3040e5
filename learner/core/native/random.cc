#include "learner/core/native/random.h"

#include <cstring>

namespace estuary::learner::native {
namespace {

constexpr int64_t kBlock = 16;

// splitmix64, to fill a large state from a small seed.
uint64_t Mix(uint64_t& state) {
  state += 0x9e3779b97f4a7c15;
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

Random::Random(uint64_t seed, uint64_t stream) {
  uint64_t state = seed;
  state = Mix(state) + stream;
  for (auto& row : lanes_.state) {
    for (unsigned& word : row) word = static_cast<unsigned>(Mix(state) >> 32);
  }
}

void Random::Normals(Floats& out) {
  BestKernels().normals(lanes_, out.data(), static_cast<long>(out.size() / 32));
}

void Random::Uniforms(float bound, int64_t count, float* out) {
  unsigned words[kBlock];
  for (int64_t done = 0; done < count; done += kBlock) {
    BestKernels().words(lanes_, words, 1);
    for (int64_t i = 0; i < kBlock && done + i < count; ++i) {
      out[done + i] = (static_cast<float>(words[i] >> 8) * 0x1p-23f - 1.0f) * bound;
    }
  }
}

void Random::Integers(uint64_t range, int64_t count, int64_t* out) {
  unsigned words[2 * kBlock];
  for (int64_t done = 0; done < count; done += kBlock) {
    BestKernels().words(lanes_, words, 2);
    for (int64_t i = 0; i < kBlock && done + i < count; ++i) {
      const uint64_t word = static_cast<uint64_t>(words[i]) << 32 | words[kBlock + i];
      out[done + i] = static_cast<int64_t>((static_cast<unsigned __int128>(word) * range) >> 64);
    }
  }
}

std::string Random::State() const {
  return {reinterpret_cast<const char*>(&lanes_), sizeof(lanes_)};
}

bool Random::SetState(absl::string_view bytes) {
  if (bytes.size() != sizeof(lanes_)) return false;
  std::memcpy(&lanes_, bytes.data(), sizeof(lanes_));
  return true;
}

}  // namespace estuary::learner::native
