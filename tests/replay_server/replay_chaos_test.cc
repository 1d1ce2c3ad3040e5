// Thousands of seeds: minutes. ESTUARY_MODEL_SEEDS=10 makes it ten times as many.
#include "gtest/gtest.h"
#include "tests/replay_server/crash_run.h"
#include "tests/replay_server/cut_run.h"
#include "tests/replay_server/model_run.h"

namespace estuary::replay {
namespace {

TEST(ReplayChaos, RandomOperations) {
  RunModel({.durable = false}, 3000, 60);
  RunModel({.durable = true}, 2000, 60);
}

TEST(ReplayChaos, FullDisksAndShortWrites) {
  RunModel({.durable = true, .full_disks = true}, 2000, 60);
  RunModel({.durable = false, .full_disks = true}, 1000, 60);
}

TEST(ReplayChaos, KilledAtAnyMoment) {
  RunCrashes(/*durable=*/true, 1500);
  RunCrashes(/*durable=*/false, 500);
}

TEST(ReplayChaos, CutAtAnyByte) { RunCuts(300); }

}  // namespace
}  // namespace estuary::replay
