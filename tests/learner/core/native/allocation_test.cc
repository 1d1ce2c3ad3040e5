// A gradient step touches the heap nowhere.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "learner/core/engine.h"
#include "tests/learner/core/native/random_inputs.h"
#include "tests/learner/core/random_replay.h"

namespace {

std::atomic<int64_t> allocations{0};

void* Allocate(std::size_t size, std::size_t alignment) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* memory = nullptr;
  if (posix_memalign(&memory, alignment, size) != 0) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return Allocate(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return Allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace estuary::learner {
namespace {

TEST(NativeEngine, AllocatesNothingInAThousandSteps) {
  for (const char* algorithm : {"h2o", "cql", "darc_plus", "sac"}) {
    for (const int threads : {1, 2}) {
      const LearnerConfig config = threads == 1 ? SmallConfig(algorithm) : WideConfig(algorithm);
      const auto real = RandomReplay("real", 200, 3, 2, 1), sim = RandomReplay("sim", 300, 3, 2, 2);
      EngineOptions options;
      options.config = config;
      options.threads = threads;
      options.real = real.get();
      options.sim = sim.get();
      const auto engine = MakeNativeEngine(options);
      ASSERT_TRUE(engine.ok()) << engine.status();
      ASSERT_TRUE((*engine)->Step(1).ok());
      const int64_t before = allocations.load();
      const absl::Status status = (*engine)->Step(1000);
      const int64_t after = allocations.load();
      ASSERT_TRUE(status.ok()) << status;
      EXPECT_EQ(after - before, 0) << algorithm << " on " << threads << " threads";
    }
  }
}

}  // namespace
}  // namespace estuary::learner
