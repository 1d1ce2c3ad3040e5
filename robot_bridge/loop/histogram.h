// A histogram for the real-time thread: one plain atomic a bucket, one writer, no lock, no
// allocation. A collector thread reads it now and then and folds what came into the process's
// metrics.
//
// Buckets are logarithmic with four to an octave, from 1 us to about 4 s: a quantile is off by at
// most 19 %.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

namespace estuary::bridge {

class Histogram {
 public:
  static constexpr int kSubBuckets = 4;
  static constexpr int kBuckets = 22 * kSubBuckets;
  using Counts = std::array<uint64_t, kBuckets>;

  // The one writer.
  void Record(int64_t ns) {
    const uint64_t us = ns <= 0 ? 0 : static_cast<uint64_t>(ns) / 1000;
    Bump(counts_[BucketOf(us)], 1);
    Bump(sum_us_, us);
    if (us > max_us_.load(std::memory_order_relaxed)) {
      max_us_.store(us, std::memory_order_relaxed);
    }
  }

  // Any thread.
  Counts Read() const {
    Counts counts;
    for (int i = 0; i < kBuckets; ++i) counts[i] = counts_[i].load(std::memory_order_relaxed);
    return counts;
  }
  uint64_t SumUs() const { return sum_us_.load(std::memory_order_relaxed); }
  uint64_t MaxUs() const { return max_us_.load(std::memory_order_relaxed); }

  // Upper edge of bucket i in microseconds.
  static constexpr double UpperUs(int bucket) {
    const int octave = bucket / kSubBuckets;
    const int sub = bucket % kSubBuckets;
    if (octave < 2) return bucket + 1;
    return static_cast<double>((uint64_t{kSubBuckets} + sub + 1) << (octave - 1));
  }

  // The smallest bucket edge that at least the part `q` of the counts is below; 0 without counts.
  static double QuantileUs(const Counts& counts, double q) {
    uint64_t total = 0;
    for (const uint64_t count : counts) total += count;
    if (total == 0) return 0;
    const double wanted = q * static_cast<double>(total);
    uint64_t below = 0;
    for (int i = 0; i < kBuckets; ++i) {
      below += counts[i];
      if (below > 0 && static_cast<double>(below) >= wanted) return UpperUs(i);
    }
    return UpperUs(kBuckets - 1);
  }

  // 0..7 us have a bucket each; above, four buckets to an octave.
  static int BucketOf(uint64_t us) {
    if (us < 2 * kSubBuckets) return static_cast<int>(us);
    const int shift = std::bit_width(us) - 3;
    const int bucket = (shift + 1) * kSubBuckets + static_cast<int>((us >> shift) & 3);
    return bucket < kBuckets ? bucket : kBuckets - 1;
  }

 private:
  // A load and a store instead of a locked add: there is one writer.
  static void Bump(std::atomic<uint64_t>& word, uint64_t by) {
    word.store(word.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }

  std::array<std::atomic<uint64_t>, kBuckets> counts_{};
  std::atomic<uint64_t> sum_us_{0};
  std::atomic<uint64_t> max_us_{0};
};

}  // namespace estuary::bridge
