// Random numbers as a function: Philox4x32-10 (Salmon et al. 2011) of a seed, a gradient step, a
// stream and an index. Nothing is stored but seed and step, so a captured graph draws new numbers
// at every replay by reading the step's number from the device, and a resumed run draws what it
// would have drawn. CPU and GPU draw the same bits; normal numbers may differ in the last one.
#pragma once

#include <cstdint>

#include "learner/core/cuda/portable.h"

namespace estuary::learner::cuda {

// One number a use, so that no two uses share numbers.
enum class Stream : uint32_t {
  kRealRows,
  kSimRows,
  kRealDiscriminatorRows,
  kSimDiscriminatorRows,
  kDiscriminatorNoise,
  kPolicyNoise,
  kNextPolicyNoise,
  kNextStateNoise,
  kCqlCurrentNoise,
  kCqlNextNoise,
  kCqlUniform,
};

struct RandomBits {
  uint32_t x[4];
};

ESTUARY_DEVICE inline RandomBits Philox(uint64_t key, RandomBits counter) {
  constexpr uint64_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
  constexpr uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
  uint32_t key0 = static_cast<uint32_t>(key), key1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = kMultiplier0 * counter.x[0], p1 = kMultiplier1 * counter.x[2];
    counter = {{static_cast<uint32_t>(p1 >> 32) ^ counter.x[1] ^ key0, static_cast<uint32_t>(p1),
                static_cast<uint32_t>(p0 >> 32) ^ counter.x[3] ^ key1, static_cast<uint32_t>(p0)}};
    key0 += kWeyl0;
    key1 += kWeyl1;
  }
  return counter;
}

class Random {
 public:
  ESTUARY_DEVICE Random(uint64_t seed, uint64_t step) : seed_(seed), step_(step) {}

  // Uniform in [0, size), size below 2^32.
  ESTUARY_DEVICE int64_t Index(Stream stream, int64_t index, int64_t size) const {
    const RandomBits bits = Bits(stream, index);
    const uint64_t n = static_cast<uint64_t>(size);
    // floor(r * size / 2^64) for r of 64 bits.
    return static_cast<int64_t>((bits.x[0] * n + ((bits.x[1] * n) >> 32)) >> 32);
  }

  // Uniform in (-1, 1).
  template <typename T>
  ESTUARY_DEVICE T Symmetric(Stream stream, int64_t index) const {
    return T(2) * Open<T>(Bits(stream, index).x[0]) - T(1);
  }

  // Standard normal (Box and Muller).
  template <typename T>
  ESTUARY_DEVICE T Normal(Stream stream, int64_t index) const {
    const RandomBits bits = Bits(stream, index);
    const T radius = std::sqrt(T(-2) * std::log(Open<T>(bits.x[0])));
    return radius * std::cos(T(6.28318530717958647692) * Open<T>(bits.x[1]));
  }

 private:
  ESTUARY_DEVICE RandomBits Bits(Stream stream, int64_t index) const {
    return Philox(seed_, {{static_cast<uint32_t>(index), static_cast<uint32_t>(stream),
                           static_cast<uint32_t>(step_), static_cast<uint32_t>(step_ >> 32)}});
  }
  // In (0, 1), from 24 of the bits: exact in float32.
  template <typename T>
  ESTUARY_DEVICE static T Open(uint32_t bits) {
    return (static_cast<T>(bits >> 8) + T(0.5)) * T(1.0 / 16777216.0);
  }

  uint64_t seed_;
  uint64_t step_;
};

}  // namespace estuary::learner::cuda
