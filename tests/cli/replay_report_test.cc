#include "cli/status/replay_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace estuary::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

v1::DescribeResponse Shard(const std::string& id, uint64_t inserted, double sampled) {
  v1::DescribeResponse answer;
  answer.set_shard_id(id);
  v1::TableStatus& table = *answer.add_tables();
  table.mutable_config()->set_name("sim");
  table.mutable_config()->set_capacity(2000);
  table.set_rows(1000);
  table.set_bytes(3 << 20);
  table.set_inserted(inserted);
  table.set_sampled(sampled);
  table.set_writers(2);
  table.set_follower_lag(7);
  return answer;
}

ReplayReading Reading(int second, std::vector<absl::StatusOr<v1::DescribeResponse>> answers) {
  ReplayReading reading = {
      .time = absl::UnixEpoch() + absl::Seconds(second), .shards = {}, .answers = {}};
  for (size_t i = 0; i < answers.size(); ++i) reading.shards.push_back(absl::StrCat("host", i));
  reading.answers = std::move(answers);
  return reading;
}

// The cells of the first line that begins with `first` and has `second` next.
std::vector<std::string> Line(const std::string& text, const std::string& first,
                              const std::string& second) {
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    std::vector<std::string> cells = absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (cells.size() > 2 && cells[0] == first && cells[1] == second) return cells;
  }
  return {};
}

TEST(ReplayReport, GivesRatesBetweenTwoReadings) {
  const ReplayReading before = Reading(0, {Shard("a", 1000, 500)});
  const ReplayReading now = Reading(2, {Shard("a", 1600, 900)});
  const std::string text = FormatReplay(now, &before);
  EXPECT_THAT(Line(text, "host0", "sim"),
              ::testing::ElementsAre("host0", "sim", "1,000", "2,000", "50%", "3.0", "MiB", "1,600",
                                     "0", "300", "900", "200", "0", "0", "2", "0", "0", "7"));
}

TEST(ReplayReport, GivesNoRatesOfAShardThatWasStartedAnew) {
  const ReplayReading before = Reading(0, {Shard("a", 1000, 500)});
  EXPECT_EQ(Line(FormatReplay(Reading(2, {Shard("a", 10, 900)}), &before), "host0", "sim")[9], "-");
  EXPECT_EQ(Line(FormatReplay(Reading(2, {Shard("b", 1600, 900)}), &before), "host0", "sim")[9],
            "-");
  EXPECT_EQ(Line(FormatReplay(before, nullptr), "host0", "sim")[9], "-");
}

TEST(ReplayReport, SumsUpTheShards) {
  const ReplayReading before = Reading(0, {Shard("a", 0, 0), Shard("b", 0, 0)});
  const ReplayReading now = Reading(1, {Shard("a", 100, 10), Shard("b", 200, 20)});
  const std::vector<std::string> sum = Line(FormatReplay(now, &before), "all", "sim");
  ASSERT_EQ(sum.size(), 18u);
  EXPECT_EQ(sum[2], "2,000");
  EXPECT_EQ(sum[7], "300");
  EXPECT_EQ(sum[9], "300");
  EXPECT_EQ(sum[11], "30");
  EXPECT_EQ(sum[14], "4");
}

TEST(ReplayReport, NamesAShardThatIsAway) {
  const ReplayReading now =
      Reading(1, {Shard("a", 1, 1), absl::UnavailableError("replay shard at host1: no answer")});
  const std::string text = FormatReplay(now, nullptr);
  EXPECT_THAT(text, HasSubstr("away"));
  EXPECT_THAT(text, HasSubstr("replay shard at host1: no answer"));
}

TEST(ReplayReport, SaysWhoWaitsAndWhoWaited) {
  v1::DescribeResponse was = Shard("a", 1, 1);
  was.mutable_tables(0)->mutable_waits()->set_writers_waiting_for_samples(10);
  v1::DescribeResponse is = was;
  is.mutable_tables(0)->mutable_waits()->set_writers_waiting_for_samples(10.5);
  is.mutable_tables(0)->mutable_waits()->set_followers_waiting_for_network(0.2);
  is.mutable_tables(0)->set_waiting("2 writers wait for samples");
  const ReplayReading before = Reading(0, {was});
  const std::string text = FormatReplay(Reading(1, {is}), &before);
  EXPECT_THAT(text, HasSubstr("host0 sim: 2 writers wait for samples"));
  EXPECT_THAT(
      text,
      HasSubstr("in the last 1.0 s:\n  host0 sim: writers 0.5 s for samples, followers 0.2 s for "
                "the network"));
  EXPECT_THAT(FormatReplay(before, &before), Not(HasSubstr("writers 10")));
}

TEST(ReplayReport, WritesSizesForPeople) {
  EXPECT_EQ(FormatBytes(0), "0 B");
  EXPECT_EQ(FormatBytes(999), "999 B");
  EXPECT_EQ(FormatBytes(1536), "1.5 KiB");
  EXPECT_EQ(FormatBytes(uint64_t{12} << 30), "12.0 GiB");
}

}  // namespace
}  // namespace estuary::cli
