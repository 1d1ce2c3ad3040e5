#include "robot_bridge/flight_recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "absl/strings/str_split.h"
#include "common/process/files.h"
#include "robot_bridge/loop/clock.h"

namespace estuary::bridge {
namespace {

class FlightRecorderTest : public testing::Test {
 protected:
  FlightRecorderTest() {
    char name[] = "/tmp/estuary-flight-XXXXXX";
    folder_ = mkdtemp(name);
    options_.directory = folder_ + "/flights";
    options_.robot = "robby";
    options_.observation_dim = 2;
    options_.action_dim = 1;
    options_.ticks = 5;
  }
  ~FlightRecorderTest() override { std::filesystem::remove_all(folder_); }

  static TickRecord Tick(uint64_t number) {
    TickRecord tick;
    tick.at_ns = static_cast<int64_t>(number) * 5 * kMillisecond;
    tick.tick = number;
    tick.sequence = number + 100;
    tick.state = State::kPolicy;
    tick.observation = {0.25f, -1};
    tick.wanted = {0.5f};
    tick.commanded = {0.75f};
    tick.torque_on = true;
    return tick;
  }
  int Files() {
    int count = 0;
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::directory_iterator(options_.directory)) {
      ++count;
    }
    return count;
  }

  std::string folder_;
  FlightRecorder::Options options_;
};

TEST_F(FlightRecorderTest, WritesTheLastTicksAMomentAfterAFault) {
  FlightRecorder recorder(options_);
  for (uint64_t i = 1; i <= 20; ++i) recorder.Add(Tick(i));
  EXPECT_FALSE(recorder.WriteIfDue(kSecond)->has_value()) << "no fault";
  recorder.Fault({.at_ns = kSecond, .event = Event::kEnvelopeOff});
  EXPECT_FALSE(recorder.WriteIfDue(kSecond + 100 * kMillisecond)->has_value());
  recorder.Add(Tick(21));
  const auto path = recorder.WriteIfDue(kSecond + 200 * kMillisecond);
  ASSERT_TRUE(path.ok() && path->has_value()) << path.status();
  EXPECT_THAT(**path, testing::EndsWith("-envelope_off.csv"));
  const std::vector<std::string> lines = absl::StrSplit(*process::ReadFile(**path), '\n');
  ASSERT_EQ(lines.size(), 7u) << "a header, five ticks, the end";
  EXPECT_THAT(lines[0], testing::EndsWith("observation_0,observation_1,wanted_0,commanded_0"));
  EXPECT_EQ(lines[1], "0.000000,17,117,POLICY,5,0,0,0.0,0,1,0.25,-1,0.5,0.75");
  EXPECT_THAT(lines[5], testing::StartsWith("0.020000,21,121,"));
  EXPECT_FALSE(recorder.WriteIfDue(10 * kSecond)->has_value()) << "once";
}

TEST_F(FlightRecorderTest, KeepsTheNewestFilesOnly) {
  options_.files_kept = 3;
  options_.after_ns = 0;
  FlightRecorder recorder(options_);
  recorder.Add(Tick(1));
  for (int i = 0; i < 6; ++i) {
    recorder.Fault({.at_ns = 0, .event = Event::kObservationStale});
    ASSERT_TRUE(recorder.WriteIfDue(kSecond).ok());
  }
  EXPECT_LE(Files(), 3);
}

TEST_F(FlightRecorderTest, SaysWhereItCannotWrite) {
  options_.directory = "/proc/nowhere";
  FlightRecorder recorder(options_);
  recorder.Fault({.at_ns = 0, .event = Event::kObservationStale});
  const auto path = recorder.WriteIfDue(kSecond);
  EXPECT_FALSE(path.ok());
  EXPECT_THAT(std::string(path.status().message()), testing::HasSubstr("/proc/nowhere"));
}

TEST(IsFault, IsTheBridgesDoingOrAnEmergency) {
  EXPECT_TRUE(IsFault({.event = Event::kEmergencyStop}));
  EXPECT_TRUE(IsFault({.event = Event::kObservationsLost}));
  EXPECT_FALSE(IsFault({.event = Event::kDisarm}));
  EXPECT_FALSE(IsFault({.event = Event::kPolicyRecovered}));
}

}  // namespace
}  // namespace estuary::bridge
