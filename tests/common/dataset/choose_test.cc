#include "common/dataset/choose.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/dataset/writer.h"

namespace estuary::dataset {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kEpisodes = 50;
constexpr uint64_t kSteps = 20;
constexpr uint64_t kRows = kEpisodes * kSteps;

// Fifty episodes of twenty rows; the last one just stops.
Reader Fifty() {
  const std::string path =
      absl::StrCat(::testing::TempDir(), "choose_test_",
                   ::testing::UnitTest::GetInstance()->current_test_info()->name(), ".h5");
  auto writer =
      CreateD4rl(path, {.task = "any", .generator = "test", .observation_dim = 1, .action_dim = 1});
  EXPECT_TRUE(writer.ok()) << writer.status();
  Batch batch;
  batch.Resize(0, kRows, 1, 1);
  for (uint64_t i = 0; i < kRows; ++i) {
    batch.timeouts[i] = i % kSteps == kSteps - 1 && i + 1 < kRows ? 1 : 0;
  }
  EXPECT_TRUE((*writer)->Append(batch).ok());
  EXPECT_TRUE((*writer)->Finish().ok());
  auto reader = Reader::Open(path);
  EXPECT_TRUE(reader.ok()) << reader.status();
  return *std::move(reader);
}

uint64_t RowsOf(const std::vector<Range>& ranges) {
  uint64_t rows = 0;
  for (const Range& range : ranges) rows += range.count;
  return rows;
}

TEST(ChooseEpisodes, TakesSoManyRowsInWholeEpisodesButForOne) {
  const Reader reader = Fifty();
  const auto ranges = ChooseEpisodes(reader, 207, 1);
  ASSERT_TRUE(ranges.ok()) << ranges.status();
  EXPECT_EQ(RowsOf(*ranges), 207u);
  uint64_t cut = 0, end = 0;
  for (const Range& range : *ranges) {
    EXPECT_EQ(range.first % kSteps, 0u);
    EXPECT_GE(range.first, end) << "in the file's order, none twice";
    cut += range.count % kSteps != 0;
    end = range.first + range.count;
  }
  EXPECT_EQ(cut, 1u);
}

TEST(ChooseEpisodes, ReachesEveryPartOfTheFile) {
  const Reader reader = Fifty();
  std::set<uint64_t> fifths;
  std::set<uint64_t> firsts;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const auto ranges = ChooseEpisodes(reader, kSteps, seed);
    ASSERT_TRUE(ranges.ok());
    fifths.insert(ranges->front().first / (kRows / 5));
    firsts.insert(ranges->front().first);
  }
  EXPECT_EQ(fifths.size(), 5u);
  EXPECT_GT(firsts.size(), 10u) << "another seed, another choice";
}

TEST(ChooseEpisodes, IsTheSameForTheSameSeed) {
  const Reader reader = Fifty();
  const auto one = ChooseEpisodes(reader, 300, 5), two = ChooseEpisodes(reader, 300, 5);
  ASSERT_TRUE(one.ok() && two.ok());
  ASSERT_EQ(one->size(), two->size());
  for (size_t i = 0; i < one->size(); ++i) EXPECT_EQ((*one)[i].first, (*two)[i].first);
}

TEST(ChooseEpisodes, TakesAllAsOneRangeWhereAllAreWanted) {
  const Reader reader = Fifty();
  const auto ranges = ChooseEpisodes(reader, kRows, 3);
  ASSERT_TRUE(ranges.ok());
  ASSERT_EQ(ranges->size(), 1u);
  EXPECT_EQ(ranges->front().count, kRows);
}

TEST(ChooseEpisodes, SaysWhatIsThereWhereItIsTooLittle) {
  const Reader reader = Fifty();
  EXPECT_THAT(std::string(ChooseEpisodes(reader, kRows + 1, 3).status().message()),
              HasSubstr("1001 rows are asked for"));
}

}  // namespace
}  // namespace estuary::dataset
