#include "cli/progress/format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace estuary::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Format, SeparatesThousands) {
  EXPECT_EQ(WithCommas(0), "0");
  EXPECT_EQ(WithCommas(999), "999");
  EXPECT_EQ(WithCommas(1000), "1,000");
  EXPECT_EQ(WithCommas(1234567), "1,234,567");
}

TEST(Format, ShortensNumbers) {
  EXPECT_EQ(Short(0.3123), "0.312");
  EXPECT_EQ(Short(950), "950");
  EXPECT_EQ(Short(999.9), "1k");
  EXPECT_EQ(Short(155432), "155k");
  EXPECT_EQ(Short(-2.5e6), "-2.5M");
  EXPECT_EQ(Short(std::numeric_limits<double>::quiet_NaN()), "nan");
}

TEST(Format, WritesDurationsAsClocks) {
  EXPECT_EQ(Clock(absl::Seconds(61)), "1:01");
  EXPECT_EQ(Clock(absl::Hours(2) + absl::Seconds(3)), "2:00:03");
  EXPECT_EQ(Clock(absl::InfiniteDuration()), "?");
}

TEST(Format, FillsTheBar) {
  EXPECT_EQ(Bar(0.5, 4, /*unicode=*/false), "[##  ]");
  EXPECT_EQ(Bar(0, 4, /*unicode=*/true), "[    ]");
  EXPECT_EQ(Bar(1, 2, /*unicode=*/true), "[██]");
  EXPECT_EQ(Bar(0.625, 2, /*unicode=*/true), "[█▎]");
  EXPECT_EQ(Bar(std::numeric_limits<double>::quiet_NaN(), 2, /*unicode=*/false), "[  ]");
  EXPECT_EQ(Bar(7, 2, /*unicode=*/false), "[##]");
}

TEST(RateMeter, AveragesOverTheLastSeconds) {
  RateMeter meter;
  const absl::Time start = absl::FromUnixSeconds(1000);
  EXPECT_EQ(meter.rate(), 0);
  meter.Add(start, 100);
  EXPECT_EQ(meter.rate(), 0);
  meter.Add(start + absl::Seconds(2), 300);
  EXPECT_DOUBLE_EQ(meter.rate(), 100);
  // What is longer ago does not count any more.
  for (int i = 3; i <= 40; ++i) meter.Add(start + absl::Seconds(i), 300 + 10 * (i - 2));
  EXPECT_DOUBLE_EQ(meter.rate(), 10);
  // A learner that went back to its checkpoint.
  meter.Add(start + absl::Seconds(41), 50);
  EXPECT_EQ(meter.rate(), 0);
}

TEST(Format, EstimatesTheTimeLeft) {
  TrainingState state{.done = 100, .total = 300, .gradient_steps_per_second = 50};
  EXPECT_EQ(TimeLeft(state), absl::Seconds(4));
  state.gradient_steps_per_second = 0;
  EXPECT_EQ(TimeLeft(state), absl::InfiniteDuration());
  state.done = 300;
  EXPECT_EQ(TimeLeft(state), absl::ZeroDuration());
}

TEST(Format, LineSaysWhatThereIs) {
  TrainingState state{.phase = "training", .done = 26000, .total = 50000};
  state.gradient_steps_per_second = 800;
  EXPECT_EQ(ProgressLine(state, /*terminal=*/false, 0),
            " 52% 26,000/50,000 | 800 updates/s | 0:30 left");
  state.environment_steps_per_second = 799;
  state.real_return = 15200;
  state.gap = 0.3;
  EXPECT_EQ(ProgressLine(state, /*terminal=*/false, 0),
            " 52% 26,000/50,000 | 800 updates/s | 799 steps/s | return real 15.2k | gap u 0.3 | "
            "0:30 left");
}

TEST(Format, LineSaysWhomItWaitsFor) {
  const TrainingState state{.phase = "starting", .waiting = "the learner", .total = 50};
  const std::string line = ProgressLine(state, /*terminal=*/false, 0);
  EXPECT_THAT(line, HasSubstr("starting: the learner"));
  EXPECT_THAT(line, Not(HasSubstr("left")));
}

TEST(Format, LineFitsTheTerminalWithoutSplittingACharacter) {
  TrainingState state{.phase = "training", .done = 7, .total = 11};
  for (int width = 1; width < 40; ++width) {
    const std::string line = ProgressLine(state, /*terminal=*/true, width);
    int columns = 0;
    for (const char c : line) columns += (static_cast<unsigned char>(c) >> 6) != 2;
    EXPECT_LE(columns, width);
    // The last character is whole: a block of the bar takes three bytes.
    if (width == 5) {
      EXPECT_EQ(line, "[████");
    }
  }
}

}  // namespace
}  // namespace estuary::cli
