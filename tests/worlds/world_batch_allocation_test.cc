// In its own program, for it replaces operator new.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "tests/worlds/world_batch.h"

namespace {
std::atomic<int> allocations = 0;
}

void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace estuary::worlds {
namespace {

TEST(WorldBatch, AllocatesNothingInItsLoop) {
  for (const std::string& task : TaskNames()) {
    const auto batch = WorldBatch::Make({.task = task}, 3, 1);
    ASSERT_TRUE(batch.ok()) << batch.status();
    const int obs = (*batch)->spec().observation_dim;
    std::vector<float> actions(3 * (*batch)->spec().action_dim, .1f), observations(3 * obs);
    std::vector<StepResult> results(3);
    const int before = allocations;
    for (int step = 0; step < 50; ++step) {
      for (int i = 0; i < 3; ++i) {
        if (step % 10 == 0) {
          (*batch)->Reset(i, EpisodeKind::kTraining,
                          absl::MakeSpan(observations).subspan(i * obs, obs));
        }
      }
      (*batch)->Step(actions, absl::MakeSpan(observations), absl::MakeSpan(results));
    }
    EXPECT_EQ(allocations, before) << task;
  }
}

}  // namespace
}  // namespace estuary::worlds
