// A moderate number of seeds of what replay_chaos_test runs by the thousand.
#include "gtest/gtest.h"
#include "tests/replay_server/crash_run.h"
#include "tests/replay_server/cut_run.h"
#include "tests/replay_server/model_run.h"

namespace estuary::replay {
namespace {

TEST(ReplayModel, ATableInMemoryIsTheListOfRowsThatTheLastCheckpointAndTheWritersMakeIt) {
  RunModel({.durable = false}, 50, 60);
}

TEST(ReplayModel, ADurableTableIsTheListOfAllRowsWhateverCrashes) {
  RunModel({.durable = true}, 40, 60);
}

TEST(ReplayModel, FullDisksAndShortWritesLoseNothingThatWasAcknowledged) {
  RunModel({.durable = true, .full_disks = true}, 40, 60);
  RunModel({.durable = false, .full_disks = true}, 20, 60);
}

TEST(ReplayModel, KilledAtAnyMomentItKeepsWhatItAcknowledged) {
  RunCrashes(/*durable=*/true, 15);
  RunCrashes(/*durable=*/false, 10);
}

TEST(ReplayModel, CutAtAnyByteItStoresEveryRowOnceAndInOrder) { RunCuts(4); }

}  // namespace
}  // namespace estuary::replay
