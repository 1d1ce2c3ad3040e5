#include "common/transition/schema.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace estuary::transition {
namespace {

using ::testing::HasSubstr;

TEST(Schema, KnowsItsArithmetic) {
  const Schema schema = Schema::Standard("half_cheetah", 17, 6, 50'000);
  EXPECT_EQ(schema.columns(), 8);
  EXPECT_EQ(schema.observation_dim(), 17);
  EXPECT_EQ(schema.action_dim(), 6);
  EXPECT_EQ(schema.column_bytes(kObservation), 68);
  EXPECT_EQ(schema.column_bytes(kFlags), 1);
  EXPECT_EQ(schema.row_bytes(), 68 + 24 + 4 + 68 + 1 + 1 + 4 + 4);
  const Schema robot = Schema::Robot("half_cheetah", 17, 6, 50'000);
  EXPECT_EQ(robot.columns(), 10);
  EXPECT_EQ(robot.row_bytes(), schema.row_bytes() + 24 + 4);
}

TEST(Schema, SurvivesTheWire) {
  const Schema schema = Schema::Robot("stand", 12, 2, 5'000);
  const absl::StatusOr<Schema> back = Schema::FromProto(schema.proto());
  ASSERT_TRUE(back.ok());
  EXPECT_TRUE(schema.CheckEqual(*back, "x").ok());
  EXPECT_EQ(back->row_bytes(), schema.row_bytes());
}

TEST(Schema, ADifferenceIsToldWithBothSides) {
  const Schema ours = Schema::Standard("half_cheetah", 17, 6, 50'000);
  for (const Schema& theirs : {Schema::Standard("half_cheetah", 18, 6, 50'000),
                               Schema::Standard("half_cheetah", 17, 5, 50'000),
                               Schema::Standard("walker2d", 17, 6, 50'000),
                               Schema::Standard("half_cheetah", 17, 6, 5'000)}) {
    const absl::Status status = ours.CheckEqual(theirs, "table 'sim'");
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    const std::string message(status.message());
    EXPECT_THAT(message, HasSubstr("table 'sim' holds {" + ours.ToString() + "}"));
    EXPECT_THAT(message, HasSubstr("got {" + theirs.ToString() + "}"));
    EXPECT_FALSE(ours.CheckStandardEqual(theirs, "x").ok());
  }
}

TEST(Schema, AReaderOfTheStandardColumnsMayIgnoreFurtherOnes) {
  const Schema standard = Schema::Standard("stand", 12, 2, 5'000);
  const Schema robot = Schema::Robot("stand", 12, 2, 5'000);
  EXPECT_TRUE(robot.CheckStandardEqual(standard, "x").ok());
  EXPECT_TRUE(standard.CheckStandardEqual(robot, "x").ok());
  EXPECT_FALSE(robot.CheckEqual(standard, "x").ok());
  EXPECT_FALSE(standard.CheckEqual(robot, "x").ok());
}

TEST(Schema, WhatIsNoTableIsRefused) {
  const v1::TransitionSchema good = Schema::Standard("stand", 12, 2, 5'000).proto();
  const auto refused = [](const v1::TransitionSchema& proto) {
    return absl::IsInvalidArgument(Schema::FromProto(proto).status());
  };
  EXPECT_FALSE(refused(good));
  EXPECT_TRUE(refused(v1::TransitionSchema()));
  v1::TransitionSchema proto = good;
  proto.mutable_columns()->RemoveLast();
  EXPECT_TRUE(refused(proto));
  proto = good;
  proto.mutable_columns(kReward)->set_width(0);
  EXPECT_TRUE(refused(proto));
  proto = good;
  proto.mutable_columns(kObservation)->set_width(1 << 20);
  EXPECT_TRUE(refused(proto));
  proto = good;
  proto.mutable_columns(kAction)->set_dtype(v1::DTYPE_UINT8);
  EXPECT_TRUE(refused(proto));
  proto = good;
  proto.mutable_columns(kNextObservation)->set_width(13);
  EXPECT_TRUE(refused(proto));
  proto = good;
  proto.mutable_columns(kFlags)->set_name("flag");
  EXPECT_TRUE(refused(proto));
}

}  // namespace
}  // namespace estuary::transition
