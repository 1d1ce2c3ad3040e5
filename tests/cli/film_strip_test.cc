#include "cli/report/film_strip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "cli/track/recorded_episode.h"
#include "worlds/world.h"

namespace estuary::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

size_t Count(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

Track Leaning() {
  Track track;
  track.observation_dim = 4;
  for (int i = 0; i <= 100; ++i) {
    const float s = static_cast<float>(i) / 100;
    track.Add(0.1 * i, std::vector<float>{0.3f * s, 0, 0.4f * s, 0}, 2);
  }
  return track;
}

TEST(RobotPath, TakesPitchAndPositionWhereTheyAreObserved) {
  Track track = Leaning();
  track.AddGap();
  const auto path = PathOf(track, *worlds::FindTask("wheel_legged_stand"));
  ASSERT_TRUE(path.has_value());
  EXPECT_TRUE(path->bounded);
  ASSERT_EQ(path->time.size(), 101u);
  EXPECT_FLOAT_EQ(path->pitch.back(), 0.3f);
  EXPECT_FLOAT_EQ(path->x.back(), 0.4f);
}

TEST(RobotPath, AddsUpTheSpeedWherePositionIsNotObserved) {
  Track track;
  track.observation_dim = 3;
  for (int i = 0; i <= 10; ++i) track.Add(0.5 * i, std::vector<float>{0.1f, 0, 0.2f}, 1);
  const auto path = PathOf(track, *worlds::FindTask("wheel_legged_move"));
  ASSERT_TRUE(path.has_value());
  EXPECT_FALSE(path->bounded);
  EXPECT_NEAR(path->x.back(), 1.0, 1e-6);
}

TEST(RobotPath, IsNoneOfOtherTasksAndOfNothing) {
  EXPECT_FALSE(PathOf(Leaning(), *worlds::FindTask("half_cheetah")).has_value());
  EXPECT_FALSE(PathOf(Track{.observation_dim = 4}, *worlds::FindTask("wheel_legged_stand")));
}

TEST(FilmStrip, DrawsTheRobotAsItStoodAtEqualDistancesInTime) {
  const auto path = PathOf(Leaning(), *worlds::FindTask("wheel_legged_stand"));
  const std::string svg = FilmStrip(*path, {.caption = "H2O < CQL", .frames = 5});
  EXPECT_EQ(Count(svg, "<svg "), 6u);
  EXPECT_THAT(svg, HasSubstr("H2O &lt; CQL"));
  // The last frame: leaning forward by 0.3 rad at x = 0.4 m, the wheel turned four radians.
  EXPECT_THAT(svg, HasSubstr("translate(0.4000,0.10)"));
  EXPECT_THAT(svg, HasSubstr("rotate(-17.19)"));
  EXPECT_THAT(svg, HasSubstr("rotate(-229.2)"));
  for (const char* moment : {"0.0 s", "2.5 s", "5.0 s", "7.5 s", "10.0 s"}) {
    EXPECT_THAT(svg, HasSubstr(moment));
  }
  EXPECT_THAT(svg, Not(HasSubstr("href")));
}

TEST(RecordedEpisode, ReadsBackWhatItWrote) {
  const std::string path = ::testing::TempDir() + "recorded_episode_test.h5";
  const RecordedEpisode episode = {.track = Leaning(), .seconds = 10, .end = "fell"};
  ASSERT_TRUE(WriteRecordedEpisode(episode, path).ok());
  const auto read = ReadRecordedEpisode(path);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->end, "fell");
  EXPECT_EQ(read->seconds, 10);
  EXPECT_EQ(read->track.time, episode.track.time);
  EXPECT_EQ(read->track.observations, episode.track.observations);
  EXPECT_EQ(read->track.rewards, episode.track.rewards);
  EXPECT_THAT(std::string(ReadRecordedEpisode("/no/such.h5").status().message()),
              HasSubstr("/no/such.h5"));
}

}  // namespace
}  // namespace estuary::cli
