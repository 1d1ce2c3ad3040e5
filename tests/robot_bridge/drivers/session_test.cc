#include "robot_bridge/drivers/frame/session.h"

#include <gtest/gtest.h>

#include <cstring>

#include "robot_bridge/drivers/frame/estuary_robot.h"

namespace estuary::bridge {
namespace {

using Verdict = FrameSession::Verdict;

Peer PeerAt(uint8_t port) {
  Peer peer;
  peer.size = 1;
  peer.address[0] = port;
  return peer;
}

class SessionTest : public testing::Test {
 protected:
  estuary_frame Hello(uint32_t link) {
    estuary_frame frame{};
    frame.kind = ESTUARY_HELLO;
    frame.n = 4;
    frame.m = 1;
    frame.link = link;
    frame.period_us = 5000;
    std::strcpy(frame.name, "robot");
    std::strcpy(frame.words, "stand");
    return frame;
  }
  estuary_frame At(uint64_t sequence, uint32_t link = 11) {
    estuary_frame frame{};
    frame.kind = ESTUARY_OBSERVATION;
    frame.n = 4;
    frame.link = link;
    frame.sequence = sequence;
    return frame;
  }
  void Connect() { ASSERT_EQ(session_.Take(Hello(11), robot_, now_), Verdict::kWelcome); }

  FrameSession session_{{.robot = "robot",
                         .task = "stand",
                         .observation_dim = 4,
                         .action_dim = 1,
                         .control_period_us = 5000}};
  const Peer robot_ = PeerAt(1);
  const Peer stranger_ = PeerAt(2);
  int64_t now_ = kSecond;
};

TEST_F(SessionTest, WelcomesTheRobotItExpects) {
  EXPECT_FALSE(session_.connected(now_));
  Connect();
  EXPECT_EQ(session_.reply().kind, ESTUARY_WELCOME);
  EXPECT_EQ(session_.reply().link, 11u);
  EXPECT_STREQ(session_.reply().name, "robot/bridge");
  EXPECT_TRUE(session_.connected(now_));
  EXPECT_EQ(session_.Take(At(1), robot_, now_ + 1), Verdict::kObservation);
  EXPECT_EQ(session_.observation().sequence, 1u);
  EXPECT_EQ(session_.observation().link, 1u);
  EXPECT_EQ(session_.observation().received_ns, now_ + 1);
}

TEST_F(SessionTest, RefusesAnotherRobotInWords) {
  estuary_frame hello = Hello(11);
  std::strcpy(hello.words, "move");
  EXPECT_EQ(session_.Take(hello, robot_, now_), Verdict::kRefusal);
  EXPECT_EQ(session_.reply().kind, ESTUARY_REFUSAL);
  EXPECT_EQ(session_.reply().flags & ESTUARY_TRY_AGAIN, 0);
  EXPECT_STREQ(session_.reply().words,
               "this bridge drives task 'stand', the robot's is 'move'; give both the same --task");
  hello = Hello(11);
  hello.n = 5;
  EXPECT_EQ(session_.Take(hello, robot_, now_), Verdict::kRefusal);
  hello = Hello(11);
  hello.period_us = 1000;
  EXPECT_EQ(session_.Take(hello, robot_, now_), Verdict::kRefusal);
  EXPECT_EQ(session_.Take(Hello(0), robot_, now_), Verdict::kRefusal);
  EXPECT_EQ(session_.counts().refused, 4u);
  EXPECT_EQ(session_.links(), 0u);
}

TEST_F(SessionTest, DropsObservationsBeforeAHello) {
  EXPECT_EQ(session_.Take(At(1, 0), Peer(), now_), Verdict::kNothing);
  EXPECT_EQ(session_.Take(At(1), robot_, now_), Verdict::kNothing);
  EXPECT_EQ(session_.counts().foreign, 2u);
}

TEST_F(SessionTest, DropsAndCountsWhatComesTwiceOrTooLate) {
  Connect();
  EXPECT_EQ(session_.Take(At(5), robot_, now_), Verdict::kObservation);
  EXPECT_EQ(session_.Take(At(5), robot_, now_), Verdict::kNothing);
  EXPECT_EQ(session_.Take(At(4), robot_, now_), Verdict::kNothing);
  EXPECT_EQ(session_.Take(At(8), robot_, now_), Verdict::kObservation);
  EXPECT_EQ(session_.counts().duplicate, 1u);
  EXPECT_EQ(session_.counts().out_of_order, 1u);
}

TEST_F(SessionTest, HearsNoStranger) {
  Connect();
  EXPECT_EQ(session_.Take(At(1), stranger_, now_), Verdict::kNothing);
  EXPECT_EQ(session_.Take(At(1, 12), robot_, now_), Verdict::kNothing);
  estuary_frame command{};
  command.kind = ESTUARY_COMMAND;
  command.link = 11;
  EXPECT_EQ(session_.Take(command, robot_, now_), Verdict::kNothing);
  EXPECT_EQ(session_.counts().foreign, 3u);
  EXPECT_EQ(session_.Take(At(1), robot_, now_), Verdict::kObservation);
}

TEST_F(SessionTest, NobodyTakesALiveRobotOver) {
  Connect();
  EXPECT_EQ(session_.Take(Hello(77), stranger_, now_ + kSecond / 2), Verdict::kRefusal);
  EXPECT_NE(session_.reply().flags & ESTUARY_TRY_AGAIN, 0);
  EXPECT_EQ(session_.Take(At(1), robot_, now_ + kSecond / 2), Verdict::kObservation);
  // Silent for a second: it may have another address now.
  now_ += 2 * kSecond;
  EXPECT_EQ(session_.Take(Hello(77), stranger_, now_), Verdict::kWelcome);
  EXPECT_EQ(session_.links(), 2u);
  EXPECT_EQ(session_.peer(), stranger_);
  EXPECT_EQ(session_.Take(At(2), robot_, now_), Verdict::kNothing);
}

TEST_F(SessionTest, ARobotThatStartsAnewGetsANewLinkAtOnce) {
  Connect();
  EXPECT_EQ(session_.Take(At(900), robot_, now_), Verdict::kObservation);
  EXPECT_EQ(session_.Take(Hello(12), robot_, now_ + 1), Verdict::kWelcome);
  EXPECT_EQ(session_.links(), 2u);
  EXPECT_EQ(session_.Take(At(1, 12), robot_, now_ + 2), Verdict::kObservation);
  EXPECT_EQ(session_.observation().link, 2u);
  // The old link's hello comes late.
  EXPECT_EQ(session_.Take(Hello(11), robot_, now_ + 3), Verdict::kNothing);
  EXPECT_EQ(session_.Take(At(2, 12), robot_, now_ + 4), Verdict::kObservation);
}

TEST_F(SessionTest, AHelloAgainIsAWelcomeThatWasLost) {
  Connect();
  EXPECT_EQ(session_.Take(At(1), robot_, now_), Verdict::kObservation);
  EXPECT_EQ(session_.Take(Hello(11), robot_, now_), Verdict::kWelcome);
  EXPECT_EQ(session_.links(), 1u);
  EXPECT_EQ(session_.Take(At(1), robot_, now_), Verdict::kNothing) << "still the same link";
}

// The two ends of a link, with nothing between them.
class HandshakeTest : public SessionTest {
 protected:
  HandshakeTest() { estuary_robot_init(&end_, "robot", "stand", 4, 1, 5000, 42); }

  uint64_t Time() const { return static_cast<uint64_t>(now_); }
  bool Say() { return estuary_robot_hello_due(&end_, Time(), &hello_) != 0; }
  void Shake() {
    ASSERT_TRUE(Say());
    ASSERT_EQ(session_.Take(hello_, robot_, now_), Verdict::kWelcome);
    estuary_robot_take(&end_, &session_.reply(), Time());
    ASSERT_TRUE(estuary_robot_connected(&end_));
  }
  estuary_frame Order(uint64_t number, float action, bool torque_on = true) {
    estuary_frame frame{};
    frame.kind = ESTUARY_COMMAND;
    frame.n = 1;
    frame.link = end_.link;
    frame.sequence = number;
    frame.flags = torque_on ? ESTUARY_TORQUE_ON : 0;
    frame.first[0] = action;
    return frame;
  }
  bool Take(const estuary_frame& frame) { return estuary_robot_take(&end_, &frame, Time()) != 0; }

  estuary_robot end_;
  estuary_frame hello_;
};

TEST_F(HandshakeTest, TheRobotCallsUntilItIsWelcome) {
  ASSERT_TRUE(Say());
  const uint32_t link = hello_.link;
  EXPECT_FALSE(Say()) << "not again at once";
  now_ += 200 * kMillisecond;
  ASSERT_TRUE(Say());
  EXPECT_EQ(hello_.link, link) << "the same call";
  now_ += 200 * kMillisecond;
  Shake();
  EXPECT_FALSE(Say());
  EXPECT_STREQ(end_.words, "robot/bridge");
}

TEST_F(HandshakeTest, ASilentBridgeIsCalledUnderANewNumber) {
  Shake();
  const uint32_t link = end_.link;
  now_ += 499 * kMillisecond;
  EXPECT_FALSE(Say());
  now_ += 1 * kMillisecond;
  EXPECT_TRUE(Say());
  EXPECT_FALSE(estuary_robot_connected(&end_));
  EXPECT_NE(hello_.link, link);
  EXPECT_NE(hello_.link, 0u);
}

TEST_F(HandshakeTest, ARefusedRobotFallsSilent) {
  end_.task = "fly";
  ASSERT_TRUE(Say());
  ASSERT_EQ(session_.Take(hello_, robot_, now_), Verdict::kRefusal);
  EXPECT_FALSE(Take(session_.reply()));
  EXPECT_EQ(end_.state, ESTUARY_REFUSED);
  now_ += 10 * kSecond;
  EXPECT_FALSE(Say());
}

TEST_F(HandshakeTest, TheNewestCommandWins) {
  Shake();
  EXPECT_TRUE(Take(Order(1, .1f)));
  EXPECT_TRUE(Take(Order(3, .3f)));
  EXPECT_FALSE(Take(Order(2, .2f)));
  EXPECT_FALSE(Take(Order(3, .9f)));
  EXPECT_EQ(end_.action[0], .3f);
  EXPECT_EQ(end_.old_commands, 2u);
  estuary_frame other = Order(4, .4f);
  other.link += 2;
  EXPECT_FALSE(Take(other));
  other = Order(4, .4f);
  other.n = 2;
  EXPECT_FALSE(Take(other)) << "not of this robot's size";
  EXPECT_EQ(end_.foreign, 2u);
}

TEST_F(HandshakeTest, WithoutCommandsItHoldsThenTurnsTheMotorsOff) {
  Shake();
  EXPECT_FALSE(estuary_robot_torque(&end_, Time())) << "no command yet";
  EXPECT_TRUE(Take(Order(1, .1f, /*torque_on=*/false)));
  EXPECT_FALSE(estuary_robot_torque(&end_, Time()));
  EXPECT_TRUE(Take(Order(2, .1f)));
  EXPECT_TRUE(estuary_robot_torque(&end_, Time() + 99 * kMillisecond));
  EXPECT_FALSE(estuary_robot_torque(&end_, Time() + 100 * kMillisecond));
}

}  // namespace
}  // namespace estuary::bridge
