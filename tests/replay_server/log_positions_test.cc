#include "replay_server/log_positions.h"

#include "gtest/gtest.h"

namespace estuary::replay {
namespace {

TEST(LogPositions, WithoutJumpsPositionsAreRows) {
  LogPositions log;
  EXPECT_EQ(log.next_cursor(), 0);
  log.Append(10);
  log.Evict(4);
  EXPECT_EQ(log.rows(), 6);
  EXPECT_EQ(log.first_cursor(), 4);
  EXPECT_EQ(log.next_cursor(), 10);
  EXPECT_EQ(log.RowAtOrAfter(7), 7);
  EXPECT_EQ(log.RowAtOrAfter(1), 1);
  EXPECT_EQ(log.RowAtOrAfter(10), 10);
  EXPECT_EQ(log.RowsInRun(7), 3);
  EXPECT_EQ(log.RowsInRun(10), 0);
}

TEST(LogPositions, AJumpLeavesAGapThatReadersStepOver) {
  LogPositions log;
  log.Append(10);
  log.JumpTo(1000);
  EXPECT_EQ(log.next_cursor(), 1000);
  EXPECT_EQ(log.RowAtOrAfter(10), 10);
  EXPECT_EQ(log.RowAtOrAfter(500), 10);
  log.Append(5);
  EXPECT_EQ(log.CursorOf(9), 9);
  EXPECT_EQ(log.CursorOf(10), 1000);
  EXPECT_EQ(log.CursorOf(14), 1004);
  EXPECT_EQ(log.RowAtOrAfter(9), 9);
  EXPECT_EQ(log.RowAtOrAfter(10), 10);
  EXPECT_EQ(log.RowAtOrAfter(999), 10);
  EXPECT_EQ(log.RowAtOrAfter(1003), 13);
  // A read does not cross a gap.
  EXPECT_EQ(log.RowsInRun(7), 3);
  EXPECT_EQ(log.RowsInRun(12), 3);
  log.Evict(12);
  EXPECT_EQ(log.first_cursor(), 1002);
}

TEST(LogPositions, NeverGoesBack) {
  LogPositions log;
  log.Append(10);
  log.JumpTo(5);
  EXPECT_EQ(log.next_cursor(), 10);
  log.JumpTo(20);
  log.JumpTo(30);
  EXPECT_EQ(log.next_cursor(), 30);
  EXPECT_EQ(log.runs().size(), 2);
}

TEST(LogPositions, GoesOnFromRestoredRuns) {
  LogPositions log;
  log.Append(10);
  log.JumpTo(1000);
  log.Append(10);
  for (const uint64_t first : {3, 9, 1004}) {
    LogPositions restored;
    restored.Restore(log.runs(), first);
    for (uint64_t row = log.RowAtOrAfter(first); row < 20; ++row) {
      restored.JumpTo(log.CursorOf(row));
      EXPECT_EQ(restored.next_cursor(), log.CursorOf(row));
      restored.Append(1);
    }
    EXPECT_EQ(restored.first_cursor(), first);
    EXPECT_EQ(restored.next_cursor(), log.next_cursor());
    EXPECT_EQ(restored.next_row(), log.next_row());
    // What was evicted before the restart still counts as lost.
    EXPECT_EQ(restored.RowAtOrAfter(1), 1);
  }
}

}  // namespace
}  // namespace estuary::replay
