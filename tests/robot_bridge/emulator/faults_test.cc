#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "robot_bridge/emulator/faults/fault_plan.h"
#include "robot_bridge/emulator/faults/faulty_link.h"
#include "robot_bridge/emulator/faults/faulty_wire.h"
#include "robot_bridge/loop/clock.h"

namespace estuary::bridge {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Keeps what the robot sent, and gives what the test says the bridge sent.
class FakeLink : public RobotLink {
 public:
  void SendObservation(const Observation& observation) override { sent.push_back(observation); }
  bool NextCommand(ReceivedCommand& command) override {
    if (commands.empty()) return false;
    command = commands.front();
    commands.pop_front();
    return true;
  }
  bool connected() const override { return true; }
  std::string refused() const override { return ""; }
  void Stop() override {}

  std::vector<Observation> sent;
  std::deque<ReceivedCommand> commands;
};

class FaultyLinkTest : public testing::Test {
 protected:
  FaultyLinkTest() {
    auto link = std::make_unique<FakeLink>();
    fake_ = link.get();
    link_ = std::make_unique<FaultyLink>(std::move(link), &plan_, /*corrupts=*/true);
  }
  void Fault(const std::string& flag) {
    const absl::Status status = plan_.Inject(flag);
    ASSERT_TRUE(status.ok()) << status;
  }
  void Send(int count = 1) {
    for (int i = 0; i < count; ++i) {
      Observation observation;
      observation.sequence = ++sequence_;
      observation.observation_dim = 4;
      observation.observation[0] = static_cast<float>(sequence_);
      link_->SendObservation(observation);
    }
  }
  std::vector<uint64_t> Sent() const {
    std::vector<uint64_t> sequences;
    for (const Observation& observation : fake_->sent) sequences.push_back(observation.sequence);
    return sequences;
  }
  void Order(uint64_t answers) {
    ReceivedCommand command;
    command.command.observation_sequence = answers;
    command.arrival_ns = Now();
    fake_->commands.push_back(command);
  }
  std::vector<uint64_t> Got() {
    std::vector<uint64_t> answers;
    ReceivedCommand command;
    while (link_->NextCommand(command)) answers.push_back(command.command.observation_sequence);
    return answers;
  }

  FaultPlan plan_{1};
  FakeLink* fake_;
  std::unique_ptr<FaultyLink> link_;
  uint64_t sequence_ = 0;
};

TEST_F(FaultyLinkTest, WithoutFaultsNothingChanges) {
  Send(3);
  EXPECT_THAT(Sent(), ElementsAre(1, 2, 3));
  Order(1);
  Order(2);
  EXPECT_THAT(Got(), ElementsAre(1, 2));
  EXPECT_TRUE(plan_.Report().happened().empty());
}

TEST_F(FaultyLinkTest, DropsWhatItIsToldTo) {
  Fault("drop:1:0:2");
  Send(4);
  EXPECT_THAT(Sent(), ElementsAre(3, 4));
  Fault("drop:1:0:1");
  Order(1);
  Order(2);
  EXPECT_THAT(Got(), ElementsAre(2));
  EXPECT_EQ(plan_.Report().happened(0).count(), 3u);
  EXPECT_TRUE(plan_.Report().in_force().empty()) << "they are over";
}

TEST_F(FaultyLinkTest, DropsAtTheRateItIsTold) {
  Fault("drop:0.25");
  Send(4000);
  EXPECT_NEAR(static_cast<double>(Sent().size()), 3000, 150);
}

TEST_F(FaultyLinkTest, SendsAndTakesTwice) {
  Fault("duplicate:1:0:1");
  Send(2);
  EXPECT_THAT(Sent(), ElementsAre(1, 1, 2));
  Fault("duplicate:1:0:1");
  Order(1);
  EXPECT_THAT(Got(), ElementsAre(1, 1));
}

TEST_F(FaultyLinkTest, ChangesTheOrder) {
  Fault("reorder:1:0:1");
  Send(3);
  EXPECT_THAT(Sent(), ElementsAre(2, 1, 3));
  Fault("reorder:1:0:1");
  Order(1);
  Order(2);
  EXPECT_THAT(Got(), ElementsAre(2, 1));
}

TEST_F(FaultyLinkTest, DelaysObservationsAndCommands) {
  Fault("delay:1:20:1");
  Send(2);
  EXPECT_THAT(Sent(), ElementsAre(2));
  SleepUntil(Now() + 21 * kMillisecond);
  Send(1);
  EXPECT_THAT(Sent(), ElementsAre(2, 1, 3));
  Fault("delay:1:20:1");
  Order(1);
  const int64_t came = fake_->commands.front().arrival_ns;
  Order(2);
  EXPECT_THAT(Got(), ElementsAre(2));
  SleepUntil(came + 21 * kMillisecond);
  ReceivedCommand command;
  ASSERT_TRUE(link_->NextCommand(command));
  EXPECT_EQ(command.command.observation_sequence, 1u);
  EXPECT_EQ(command.arrival_ns, came + 20 * kMillisecond);
}

TEST_F(FaultyLinkTest, FreezesForAWhile) {
  Fault("freeze:1:30:1");
  Send(3);
  Order(1);
  EXPECT_TRUE(Sent().empty());
  EXPECT_TRUE(Got().empty());
  SleepUntil(Now() + 31 * kMillisecond);
  Send(1);
  Order(2);
  EXPECT_THAT(Sent(), ElementsAre(4));
  EXPECT_THAT(Got(), ElementsAre(2)) << "what came meanwhile is lost";
}

TEST_F(FaultyLinkTest, SpoilsWhatTheSensorsSay) {
  Fault("nan:1:0:1");
  Send(2);
  bool any = false;
  for (int i = 0; i < 4; ++i) any = any || std::isnan(fake_->sent[0].observation[i]);
  EXPECT_TRUE(any);
  EXPECT_FALSE(std::isnan(fake_->sent[1].observation[0]));
  Fault("stuck:1:30:1");
  Send(2);
  EXPECT_EQ(fake_->sent[3].sequence, 4u);
  EXPECT_EQ(fake_->sent[3].observation[0], 3);
  Fault("corrupt:1:0:1");
  Send(1);
  EXPECT_EQ(fake_->sent[4].observation_dim, 5u);
}

TEST(FaultPlan, RefusesWhatCannotBe) {
  FaultPlan plan(1);
  const auto refusal = [&plan](const std::string& flag) {
    return std::string(plan.Inject(flag).message());
  };
  EXPECT_THAT(refusal("explode:0.1"), HasSubstr("KIND one of drop, delay, duplicate"));
  EXPECT_THAT(refusal("drop"), HasSubstr("got 'drop'"));
  EXPECT_THAT(refusal("drop:x"), HasSubstr("got 'drop:x'"));
  EXPECT_THAT(refusal("drop:0"), HasSubstr("must be in (0, 1], got 0"));
  EXPECT_THAT(refusal("drop:nan"), HasSubstr("must be in (0, 1]"));
  EXPECT_THAT(refusal("freeze:1:9999999"), HasSubstr("60000 ms at most"));
  EXPECT_THAT(refusal("corrupt:0.5,drop:2"), HasSubstr("'drop'"));
  EXPECT_TRUE(plan.Report().in_force().empty()) << "half of a wrong flag is not in force";
  EXPECT_TRUE(plan.Inject("").ok());
}

TEST(FaultPlan, EveryFaultHasAName) {
  std::set<std::string> names;
  for (int kind = 1; kind < v1::FaultKind_ARRAYSIZE; ++kind) {
    const std::string name = FaultName(static_cast<v1::FaultKind>(kind));
    EXPECT_EQ(FindFault(name), kind);
    names.insert(name);
  }
  EXPECT_EQ(names.size(), 9u);
  EXPECT_EQ(FindFault("unspecified"), v1::FAULT_KIND_UNSPECIFIED);
}

TEST(FaultPlan, ANewRuleReplacesTheOldAndClearEndsAll) {
  FaultPlan plan(1);
  ASSERT_TRUE(plan.Inject("drop:0.5,fall:1").ok());
  ASSERT_TRUE(plan.Inject("drop:0.25").ok());
  ASSERT_EQ(plan.Report().in_force_size(), 2);
  EXPECT_EQ(plan.Report().in_force(0).rate(), 0.25);
  v1::InjectFaultsRequest clear;
  clear.set_clear(true);
  ASSERT_TRUE(plan.Inject(clear).ok());
  EXPECT_TRUE(plan.Report().in_force().empty());
  EXPECT_FALSE(plan.Happens(v1::FAULT_KIND_FALL));
}

// What is sent is kept; what is received are zeros.
class FakeWire : public Wire {
 public:
  explicit FakeWire(std::vector<std::string>* sent) : sent_(*sent) {}
  bool stream() const override { return false; }
  size_t Receive(int64_t, uint8_t* bytes, size_t room, Peer&) override {
    std::fill_n(bytes, room, uint8_t{0});
    return room;
  }
  void Send(const uint8_t* bytes, size_t size, const Peer&) override {
    sent_.emplace_back(reinterpret_cast<const char*>(bytes), size);
  }
  void Interrupt() override {}
  std::string Describe(const Peer&) const override { return "fake"; }

 private:
  std::vector<std::string>& sent_;
};

TEST(FaultyWire, TurnsAFewBitsBothWays) {
  FaultPlan plan(1);
  std::vector<std::string> sent;
  FaultyWire wire(std::make_unique<FakeWire>(&sent), &plan);
  const std::string zeros(64, '\0');
  const auto send = [&] {
    wire.Send(reinterpret_cast<const uint8_t*>(zeros.data()), zeros.size(), Peer());
  };
  send();
  ASSERT_TRUE(plan.Inject("corrupt:1:0:2").ok());
  send();
  uint8_t received[64];
  Peer from;
  EXPECT_EQ(wire.Receive(0, received, sizeof(received), from), sizeof(received));
  send();
  EXPECT_EQ(sent[0], zeros);
  EXPECT_NE(sent[1], zeros);
  EXPECT_EQ(sent[2], zeros);
  EXPECT_NE(std::string(reinterpret_cast<char*>(received), sizeof(received)), zeros);
}

}  // namespace
}  // namespace estuary::bridge
