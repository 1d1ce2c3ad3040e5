#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "common/process/crc32c.h"
#include "robot_bridge/drivers/frame/convert.h"
#include "robot_bridge/drivers/frame/reader.h"
#include "tests/robot_bridge/drivers/frame_firmware.h"

namespace estuary::bridge {
namespace {

using Bytes = std::vector<uint8_t>;

Observation SomeObservation(uint64_t sequence = 7) {
  Observation observation;
  observation.sequence = sequence;
  observation.robot_time_ns = 1'000'000'007;
  observation.observation_dim = 4;
  observation.observation = {-0.1f, 2.5f, 1e-30f, -3e7f};
  observation.applied_sequence = sequence - 1;
  observation.applied_dim = 1;
  observation.applied_action = {0.25f};
  observation.applied_changed = true;
  return observation;
}

Bytes Encode(const estuary_frame& frame) {
  Bytes bytes(ESTUARY_FRAME_MOST);
  bytes.resize(estuary_frame_encode(&frame, bytes.data()));
  return bytes;
}

Bytes ObservationBytes(uint64_t sequence = 7, uint32_t link = 99) {
  estuary_frame frame;
  ToFrame(SomeObservation(sequence), frame);
  frame.link = link;
  return Encode(frame);
}

bool Decodes(const Bytes& bytes) {
  estuary_frame frame;
  return estuary_frame_decode(bytes.data(), bytes.size(), &frame) != 0;
}

TEST(Frame, HasTheChecksumOfTheRestOfTheSystem) {
  std::mt19937 random(1);
  for (size_t size = 0; size < 300; ++size) {
    std::string data(size, 0);
    for (char& c : data) c = static_cast<char>(random());
    EXPECT_EQ(estuary_frame_crc(reinterpret_cast<const uint8_t*>(data.data()), size),
              process::Crc32c(data));
  }
}

TEST(Frame, CarriesAnObservationToTheBit) {
  const Observation sent = SomeObservation();
  const Bytes bytes = ObservationBytes();
  EXPECT_EQ(bytes.size(), 64u);
  estuary_frame frame;
  ASSERT_TRUE(estuary_frame_decode(bytes.data(), bytes.size(), &frame));
  EXPECT_EQ(frame.link, 99u);
  Observation observation;
  FromFrame(frame, observation);
  EXPECT_EQ(observation.sequence, sent.sequence);
  EXPECT_EQ(observation.robot_time_ns, sent.robot_time_ns);
  EXPECT_EQ(observation.observation_dim, sent.observation_dim);
  EXPECT_EQ(observation.observation, sent.observation);
  EXPECT_EQ(observation.applied_sequence, sent.applied_sequence);
  EXPECT_EQ(observation.applied_dim, sent.applied_dim);
  EXPECT_EQ(observation.applied_action, sent.applied_action);
  EXPECT_TRUE(observation.applied_changed);
  EXPECT_FALSE(observation.episode_start);
}

TEST(Frame, CarriesACommand) {
  Command sent;
  sent.observation_sequence = 41;
  sent.action_dim = 2;
  sent.action = {0.5f, -1};
  sent.torque_on = true;
  estuary_frame frame;
  ToFrame(sent, 3, frame);
  const Bytes bytes = Encode(frame);
  EXPECT_EQ(bytes.size(), 52u);
  ASSERT_TRUE(estuary_frame_decode(bytes.data(), bytes.size(), &frame));
  EXPECT_EQ(frame.sequence, 3u);
  Command command;
  FromFrame(frame, command);
  EXPECT_EQ(command.observation_sequence, 41u);
  EXPECT_EQ(command.action_dim, 2u);
  EXPECT_EQ(command.action, sent.action);
  EXPECT_TRUE(command.torque_on);
}

TEST(Frame, CarriesTheLargestRobot) {
  Observation observation = SomeObservation();
  observation.observation_dim = kMaxObservation;
  observation.applied_dim = kMaxAction;
  estuary_frame frame;
  ToFrame(observation, frame);
  EXPECT_EQ(Encode(frame).size(), static_cast<size_t>(ESTUARY_FRAME_MOST));
  frame.n = kMaxObservation + 1;
  EXPECT_TRUE(Encode(frame).empty()) << "there is no such frame";
}

TEST(Frame, LetsANanThroughForTheLoopToSee) {
  Observation observation = SomeObservation();
  observation.observation[1] = NAN;
  estuary_frame frame;
  ToFrame(observation, frame);
  const Bytes bytes = Encode(frame);
  ASSERT_TRUE(estuary_frame_decode(bytes.data(), bytes.size(), &frame));
  EXPECT_TRUE(std::isnan(frame.first[1]));
}

TEST(Frame, CutsLongNamesAndEndsThem) {
  estuary_frame frame{};
  frame.kind = ESTUARY_HELLO;
  std::memset(frame.name, 'n', ESTUARY_FRAME_NAME);
  std::memset(frame.words, 't', ESTUARY_FRAME_WORDS);
  const Bytes bytes = Encode(frame);
  EXPECT_EQ(bytes.size(), 112u);
  ASSERT_TRUE(estuary_frame_decode(bytes.data(), bytes.size(), &frame));
  EXPECT_EQ(std::string(frame.name), std::string(ESTUARY_FRAME_NAME, 'n'));
  EXPECT_EQ(std::string(frame.words), std::string(ESTUARY_FRAME_NAME, 't'));
}

TEST(Frame, SeesEveryTurnedBitAndEveryCut) {
  const Bytes good = ObservationBytes();
  ASSERT_TRUE(Decodes(good));
  for (size_t bit = 0; bit < 8 * good.size(); ++bit) {
    Bytes bad = good;
    bad[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    EXPECT_FALSE(Decodes(bad)) << "bit " << bit;
  }
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(Decodes(Bytes(good.begin(), good.begin() + static_cast<long>(size))));
  }
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_FALSE(Decodes(longer));
}

TEST(Frame, AFirmwareInCMeansTheSame) {
  const float values[] = {1, -2, 3.5f, 0.1f};
  Bytes bytes(ESTUARY_FRAME_MOST);
  bytes.resize(firmware_observation(5, 12, values, bytes.data()));
  estuary_frame frame;
  ASSERT_TRUE(estuary_frame_decode(bytes.data(), bytes.size(), &frame));
  Observation observation;
  FromFrame(frame, observation);
  EXPECT_EQ(observation.sequence, 12u);
  EXPECT_EQ(observation.robot_time_ns, 1234567890123);
  EXPECT_EQ(observation.observation[2], 3.5f);
  EXPECT_EQ(observation.applied_sequence, 11u);
  EXPECT_EQ(observation.applied_action[0], 0.5f);

  Command command;
  command.observation_sequence = 12;
  command.action_dim = 1;
  command.action = {-0.75f};
  command.torque_on = true;
  ToFrame(command, 1, frame);
  bytes = Encode(frame);
  uint64_t answers = 0;
  float action = 0;
  int torque_on = 0;
  ASSERT_EQ(firmware_command(bytes.data(), bytes.size(), &answers, &action, &torque_on), 1);
  EXPECT_EQ(answers, 12u);
  EXPECT_EQ(action, -0.75f);
  EXPECT_EQ(torque_on, 1);
}

// What a reader of a stream finds, by sequence number.
std::vector<uint64_t> Find(const Bytes& stream, size_t chunk) {
  FrameReader reader(/*stream=*/true);
  std::vector<uint64_t> found;
  for (size_t at = 0; at < stream.size(); at += chunk) {
    reader.Put(stream.data() + at, std::min(chunk, stream.size() - at),
               [&found](const estuary_frame& frame) { found.push_back(frame.sequence); });
  }
  return found;
}

void Append(Bytes& stream, const Bytes& more) {
  stream.insert(stream.end(), more.begin(), more.end());
}

TEST(FrameStream, GivesEveryFrameHoweverTheBytesCome) {
  Bytes stream;
  std::vector<uint64_t> sent;
  for (uint64_t sequence = 1; sequence <= 50; ++sequence) {
    Append(stream, ObservationBytes(sequence));
    sent.push_back(sequence);
  }
  for (const size_t chunk : {1, 2, 3, 7, 63, 64, 65, 200, 10'000}) {
    EXPECT_EQ(Find(stream, chunk), sent) << "in pieces of " << chunk;
  }
}

TEST(FrameStream, FindsTheNextFrameAfterGarbage) {
  std::mt19937 random(3);
  Bytes stream;
  std::vector<uint64_t> sent;
  for (uint64_t sequence = 1; sequence <= 200; ++sequence) {
    Bytes garbage(random() % 40);
    for (uint8_t& byte : garbage) byte = static_cast<uint8_t>(random());
    // Beginnings of frames that never go on.
    if (sequence % 3 == 0) Append(garbage, {'E', 'S', 'T', 'U'});
    if (sequence % 5 == 0) Append(garbage, {'E', 'S', 'T', 'U', 1, ESTUARY_COMMAND, 0, 2, 0});
    Append(stream, garbage);
    Append(stream, ObservationBytes(sequence));
    sent.push_back(sequence);
  }
  for (const size_t chunk : {1, 13, 236}) EXPECT_EQ(Find(stream, chunk), sent);
}

TEST(FrameStream, ADamagedFrameCostsItselfAlone) {
  Bytes stream;
  std::vector<uint64_t> expected;
  for (uint64_t sequence = 1; sequence <= 64; ++sequence) {
    Bytes frame = ObservationBytes(sequence);
    // Another byte each time, the sizes in the header among them, which then claim more than there
    // is.
    if (sequence % 4 == 3) {
      frame[sequence] ^= 0x15;
    } else {
      expected.push_back(sequence);
    }
    Append(stream, frame);
  }
  // What a damaged size claims may be more than is left at the end.
  Append(stream, Bytes(2 * ESTUARY_FRAME_MOST, 0));
  for (const size_t chunk : {1, 64, 100}) EXPECT_EQ(Find(stream, chunk), expected);
}

TEST(FrameStream, AFrameThatLostBytesCostsItselfAlone) {
  Bytes stream;
  std::vector<uint64_t> expected;
  for (uint64_t sequence = 1; sequence <= 60; ++sequence) {
    Bytes frame = ObservationBytes(sequence);
    if (sequence % 4 == 0) {
      frame.erase(frame.begin() + static_cast<long>(sequence), frame.end());
    } else {
      expected.push_back(sequence);
    }
    Append(stream, frame);
  }
  for (const size_t chunk : {1, 64, 100}) EXPECT_EQ(Find(stream, chunk), expected);
}

TEST(FrameDatagram, CountsWhatIsDamaged) {
  FrameReader reader(/*stream=*/false);
  int taken = 0;
  const auto take = [&taken](const estuary_frame&) { ++taken; };
  Bytes bytes = ObservationBytes();
  reader.Put(bytes.data(), bytes.size(), take);
  bytes[50] ^= 1;
  reader.Put(bytes.data(), bytes.size(), take);
  reader.Put(bytes.data(), 3, take);
  EXPECT_EQ(taken, 1);
  EXPECT_EQ(reader.corrupt(), 2u);
}

TEST(Printable, LeavesNothingThatATerminalObeys) {
  EXPECT_EQ(Printable("ro\x1b[2J\nbot\xff"), "ro?[2J?bot?");
}

}  // namespace
}  // namespace estuary::bridge
