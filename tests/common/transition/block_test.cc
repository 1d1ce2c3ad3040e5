#include "common/transition/block.h"

#include <cmath>
#include <limits>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace estuary::transition {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Schema& Robot() {
  static const Schema schema = Schema::Robot("toy", 2, 1, 5'000);
  return schema;
}

BlockBuilder Two() {
  BlockBuilder builder(Robot());
  const float observation[] = {1, 2};
  const float next_observation[] = {3, 4};
  const float action[] = {0.5F};
  builder.Add({.observation = observation,
               .action = action,
               .reward = 7,
               .next_observation = next_observation,
               .source = v1::TRANSITION_SOURCE_POLICY,
               .policy_version = 9,
               .episode = 11});
  builder.Add({.observation = next_observation,
               .action = action,
               .reward = 8,
               .next_observation = observation,
               .terminal = true,
               .truncated = true,
               .source = v1::TRANSITION_SOURCE_OPERATOR,
               .policy_version = 10,
               .episode = 12});
  const float policy_action = -0.25F;
  builder.SetExtra(kStandardColumns, &policy_action);
  return builder;
}

TEST(BlockBuilder, PutsEveryValueIntoItsColumn) {
  const BlockBuilder builder = Two();
  const v1::TransitionBlock& block = builder.block();
  EXPECT_EQ(block.rows(), 2);
  EXPECT_THAT(Floats(block, kObservation), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(Floats(block, kAction), ElementsAre(0.5, 0.5));
  EXPECT_THAT(Floats(block, kReward), ElementsAre(7, 8));
  EXPECT_THAT(Floats(block, kNextObservation), ElementsAre(3, 4, 1, 2));
  EXPECT_THAT(Bytes(block, kFlags),
              ElementsAre(0, v1::TRANSITION_FLAG_TERMINAL | v1::TRANSITION_FLAG_TRUNCATED));
  EXPECT_THAT(Bytes(block, kSource),
              ElementsAre(v1::TRANSITION_SOURCE_POLICY, v1::TRANSITION_SOURCE_OPERATOR));
  EXPECT_THAT(Uints(block, kPolicyVersion), ElementsAre(9, 10));
  EXPECT_THAT(Uints(block, kEpisode), ElementsAre(11, 12));
  // Further columns are zero until they are set.
  EXPECT_THAT(Floats(block, kStandardColumns), ElementsAre(0, -0.25));
  EXPECT_TRUE(CheckBlock(Robot(), block, 2, true).ok());
}

TEST(BlockBuilder, TakesWholeRowsOfBytes) {
  const Schema schema = Schema::Standard("toy", 1, 1, 0);
  std::string row(schema.row_bytes(), '\0');
  const float values[] = {1, 2, 3, 4};
  std::memcpy(row.data(), values, sizeof(values));
  row[16] = v1::TRANSITION_FLAG_TERMINAL;
  row[17] = v1::TRANSITION_SOURCE_RANDOM;
  BlockBuilder builder(schema);
  builder.AddRaw(row.data());
  EXPECT_TRUE(CheckBlock(schema, builder.block(), 1, true).ok());
  EXPECT_THAT(Floats(builder.block(), kNextObservation), ElementsAre(4));
  EXPECT_THAT(Bytes(builder.block(), kSource), ElementsAre(v1::TRANSITION_SOURCE_RANDOM));
}

TEST(BlockBuilder, SwapHandsTheRowsOverAndTakesMemoryBack) {
  BlockBuilder builder = Two();
  v1::TransitionBlock block;
  builder.Swap(block);
  EXPECT_EQ(block.rows(), 2);
  EXPECT_TRUE(CheckBlock(Robot(), block, 2, true).ok());
  EXPECT_EQ(builder.rows(), 0);
  EXPECT_TRUE(CheckBlock(Robot(), builder.block(), 2, true).ok());
  BlockBuilder other = Two();
  other.Swap(block);
  EXPECT_EQ(block.rows(), 2);
  EXPECT_EQ(other.rows(), 0);
  // A block of another shape is made to fit.
  v1::TransitionBlock strange;
  for (int i = 0; i < 20; ++i) strange.add_columns("x");
  other.Swap(strange);
  EXPECT_TRUE(CheckBlock(Robot(), other.block(), 2, true).ok());
}

class CheckBlockTest : public ::testing::Test {
 protected:
  std::string Refusal() const {
    const absl::Status status = CheckBlock(Robot(), block_, 100, true);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    return std::string(status.message());
  }
  v1::TransitionBlock block_ = Two().block();
};

TEST_F(CheckBlockTest, NamesTheRowAndColumnOfWhatIsNotFinite) {
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    v1::TransitionBlock good = block_;
    block_.mutable_columns(kNextObservation)
        ->replace(12, 4, reinterpret_cast<const char*>(&bad), 4);
    EXPECT_THAT(Refusal(), HasSubstr("row 1 has"));
    EXPECT_THAT(Refusal(), HasSubstr("next_observation[1]"));
    EXPECT_TRUE(CheckBlock(Robot(), block_, 100, /*check_finite=*/false).ok());
    block_ = good;
  }
}

TEST_F(CheckBlockTest, NamesWhatHasTheWrongSize) {
  block_.mutable_columns(kAction)->push_back('x');
  EXPECT_THAT(Refusal(), HasSubstr("column action of a block of 2 rows must have 8 bytes, got 9"));
  block_.mutable_columns()->RemoveLast();
  EXPECT_THAT(Refusal(), HasSubstr("9 columns, the schema 10"));
  block_ = Two().block();
  EXPECT_FALSE(CheckBlock(Robot(), block_, 1, true).ok());
  block_.set_rows(3);
  EXPECT_THAT(Refusal(), HasSubstr("3 rows"));
}

TEST_F(CheckBlockTest, RefusesUnknownFlagsAndSources) {
  (*block_.mutable_columns(kFlags))[1] = 8;
  EXPECT_THAT(Refusal(), HasSubstr("row 1 has unknown flags"));
  block_ = Two().block();
  (*block_.mutable_columns(kSource))[0] = 0;
  EXPECT_THAT(Refusal(), HasSubstr("row 0 has unknown source"));
  (*block_.mutable_columns(kSource))[0] = 77;
  EXPECT_THAT(Refusal(), HasSubstr("row 0 has unknown source"));
}

}  // namespace
}  // namespace estuary::transition
