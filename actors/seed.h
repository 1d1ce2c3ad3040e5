// Seeds from what they stand for, so that no two actors, worlds or purposes share a stream.
#pragma once

#include <cstdint>
#include <initializer_list>

namespace estuary::actor {

// What a stream of random numbers is for.
enum class SeedUse : uint64_t { kWorld = 1, kExploration = 2, kEvaluation = 3, kGap = 4 };

inline uint64_t MixSeed(std::initializer_list<uint64_t> parts) {
  uint64_t seed = 0;
  for (const uint64_t part : parts) {
    // splitmix64's finisher.
    uint64_t z = (seed ^ part) + 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    seed = z ^ (z >> 31);
  }
  return seed;
}

}  // namespace estuary::actor
