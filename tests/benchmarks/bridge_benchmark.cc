// The bridge's loop at 200 Hz on a machine whose every core is loaded at normal priority: how late
// it wakes, with SCHED_FIFO and without, beside cyclictest at the same priority and at the same
// time; why it was late; and how long a policy takes.
//
//   bridge_benchmark [seconds] [priority] [spin_us] [core]
//
// Loop and cyclictest are on the same core, since cores of one machine differ: some serve the
// devices' interrupts.
//
// BENCH policy_32, policy_256  us for one action, against the goal
// BENCH lateness_p50, _p99, _p999, _max  us with SCHED_FIFO; p99 against the goal of 100 us, the
//                       others against cyclictest in the same run: a ratio of 1 is what the machine
//                       gives
// BENCH lateness_other_p50, ...  us at normal priority, against cyclictest with SCHED_FIFO
// BENCH late_ticks      ticks over 100 us, against all; a line for each cause
// BENCH missed_ticks    ticks skipped, against all
//
// The machine may be robbed by its hypervisor: compare ratios, and run it more than once.

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "robot_bridge/late_ticks.h"
#include "robot_bridge/loop/loop.h"
#include "robot_bridge/loop/realtime.h"
#include "robot_bridge/policy_source.h"
#include "robot_bridge/tasks.h"
#include "tests/benchmarks/cyclictest.h"
#include "tests/benchmarks/load.h"
#include "tests/common/policy/policies.h"

namespace estuary::benchmarks {
namespace {

using bridge::kMicrosecond;
using bridge::kMillisecond;
using bridge::kSecond;
using bridge::Now;

constexpr int64_t kLate = 100 * kMicrosecond;
constexpr double kGoalP99Us = 100;

double Quantile(const std::vector<double>& sorted, double q) {
  if (sorted.empty()) return 0;
  const auto at = static_cast<size_t>(q * static_cast<double>(sorted.size()));
  return sorted[std::min(at, sorted.size() - 1)];
}

void Print(const std::string& name, double value, const char* unit, double peer,
           const char* against) {
  std::printf("BENCH %s %.2f %s ratio=%.3f against=%s\n", name.c_str(), value, unit,
              peer > 0 ? value / peer : 0, against);
  std::fflush(stdout);
}

std::unique_ptr<bridge::ActionSource> MakeSource(const bridge::RobotTask& task, int hidden) {
  policy::testing::PolicyShape shape;
  shape.task = task.name;
  shape.observation_dim = task.loop.task.observation_dim;
  shape.action_dim = task.loop.task.action_dim;
  shape.hidden = {hidden, hidden};
  return *bridge::MakeActionSource(policy::testing::MakePolicyVersion(shape), task);
}

void MeasurePolicy(const bridge::RobotTask& task, int hidden, double goal_us) {
  const std::unique_ptr<bridge::ActionSource> source = MakeSource(task, hidden);
  std::vector<double> took;
  bridge::ObservationArray observation{};
  bridge::ActionArray action{};
  for (int i = 0; i < 20'000; ++i) {
    observation[0] = 1e-5f * static_cast<float>(i);
    const int64_t start = Now();
    source->Act(observation.data(), action.data());
    took.push_back(1e-3 * static_cast<double>(Now() - start));
  }
  std::sort(took.begin(), took.end());
  const std::string name = "policy_" + std::to_string(hidden);
  Print(name, Quantile(took, .5), "us", goal_us, "goal");
  Print(name + "_p99", Quantile(took, .99), "us", goal_us, "goal");
}

// A robot that has a new observation in every tick, near its balance, and does as it is told.
class SteadyRobot : public bridge::RobotIo {
 public:
  explicit SteadyRobot(int observation_dim) { next_.observation_dim = observation_dim; }

  bool Receive(bridge::Observation& observation) override {
    if (std::exchange(taken_, !taken_)) return false;
    const int64_t now = Now();
    ++next_.sequence;
    next_.link = 1;
    next_.robot_time_ns = now;
    next_.received_ns = now;
    next_.observation[0] = -.1f + 1e-3f * static_cast<float>(next_.sequence % 7);
    observation = next_;
    return true;
  }
  void Send(const bridge::Command& command) override {
    next_.applied_sequence = command.torque_on ? command.observation_sequence : 0;
    next_.applied_dim = command.action_dim;
    next_.applied_action = command.action;
  }

 private:
  bridge::Observation next_;
  bool taken_ = false;
};

// The bridge's loop with all its parts but the wires, in a thread of its own, and what empties its
// rings at normal priority.
class LoopUnderTest {
 public:
  LoopUnderTest(bridge::RobotTask task, int priority, int core, int64_t spin_ns)
      : task_(std::move(task)), robot_(task_.loop.task.observation_dim) {
    task_.loop.pacing = bridge::Pacing::kClock;
    task_.loop.late_ns = kLate;
    task_.loop.spin_ns = spin_ns;
    policies_.Offer(MakeSource(task_, 256));
    loop_ =
        std::make_unique<bridge::Loop>(task_.loop, bridge::Loop::Parts{.robot = &robot_,
                                                                       .wakeup = &wakeup_,
                                                                       .policies = &policies_,
                                                                       .port = &port_,
                                                                       .operator_input = &input_,
                                                                       .telemetry = &telemetry_});
    port_.requests.Push({1, bridge::Event::kArm});
    drain_ = std::thread([this] { Drain(); });
    thread_ = std::thread([this, priority, core] {
      bridge::RealtimeGrants grants;
      bridge::MakeThisThreadRealtime({.priority = priority, .cpu = core, .lock_memory = false},
                                     grants);
      for (const std::string& refused : grants.refused) {
        std::fprintf(stderr, "bridge_benchmark: %s\n", refused.c_str());
      }
      loop_->Run(stop_);
    });
  }

  // Ends it; its lateness in us, sorted.
  std::vector<double> Finish() {
    stop_ = true;
    thread_.join();
    drained_ = true;
    drain_.join();
    std::sort(lateness_us_.begin(), lateness_us_.end());
    return lateness_us_;
  }
  uint64_t missed() const { return telemetry_.counters.missed_ticks.Get(); }
  uint64_t late() const { return telemetry_.counters.late_ticks.Get(); }
  uint64_t late(bridge::LateCause cause) const { return causes_[static_cast<size_t>(cause)]; }
  const std::vector<bridge::LateTick>& worst() const { return late_; }

 private:
  void Drain() {
    while (!drained_) {
      bridge::SleepUntil(Now() + 10 * kMillisecond);
      judge_.Sample(Now());
      bridge::TickRecord tick;
      while (telemetry_.ticks.Pop(tick)) {
        lateness_us_.push_back(1e-3 * static_cast<double>(tick.lateness_ns));
      }
      bridge::LateTick late;
      while (telemetry_.late.Pop(late)) {
        ++causes_[static_cast<size_t>(judge_.Judge(late))];
        late_.push_back(late);
      }
      bridge::Transition transition;
      while (telemetry_.transitions.Pop(transition)) {
      }
      bridge::Reply reply;
      while (port_.replies.Pop(reply)) {
        // Armed, it is the policy's.
        if (reply.id == 1) port_.requests.Push({2, bridge::Event::kChoosePolicy});
      }
    }
  }

  bridge::RobotTask task_;
  SteadyRobot robot_;
  bridge::Wakeup wakeup_;
  bridge::PolicySlot policies_;
  bridge::OperatorPort port_;
  bridge::Mailbox<bridge::OperatorInput> input_;
  bridge::LoopTelemetry telemetry_;
  std::unique_ptr<bridge::Loop> loop_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> drained_{false};
  std::vector<double> lateness_us_;
  std::array<uint64_t, bridge::kLateCauses> causes_{};
  std::vector<bridge::LateTick> late_;
  bridge::LateTickJudge judge_;
  std::thread drain_;
  std::thread thread_;
};

void PrintLateness(const std::string& name, const std::vector<double>& ours,
                   const std::vector<double>& peer, const char* against) {
  Print(name + "_p50", Quantile(ours, .5), "us", Quantile(peer, .5), against);
  Print(name + "_p99_ratio", Quantile(ours, .99), "us", Quantile(peer, .99), against);
  Print(name + "_p999", Quantile(ours, .999), "us", Quantile(peer, .999), against);
  Print(name + "_max", ours.empty() ? 0 : ours.back(), "us", peer.empty() ? 0 : peer.back(),
        against);
}

int Run(double seconds, int priority, int64_t spin_ns, int core) {
  const bridge::RobotTask task = *bridge::FindRobotTask("wheel_legged_stand");
  MeasurePolicy(task, 32, 5);
  MeasurePolicy(task, 256, 40);

  bridge::RealtimeGrants grants;
  bridge::LockMemory({}, grants);
  const Load load;
  bridge::SleepUntil(Now() + kSecond / 2);
  const auto count = static_cast<int64_t>(seconds * 200);
  Cyclictest cyclictest(priority, core, 5000, count);
  LoopUnderTest fifo(task, priority, core, spin_ns);
  LoopUnderTest other(task, 0, -1, 0);
  const std::vector<double> peer = cyclictest.Finish();
  if (peer.empty()) {
    std::fprintf(stderr,
                 "bridge_benchmark: cyclictest does not run (Debian's rt-tests, as root); there is "
                 "nothing to compare with\n");
    bridge::SleepUntil(Now() + count * 5 * kMillisecond);
  }
  const std::vector<double> ours = fifo.Finish();
  const std::vector<double> ordinary = other.Finish();
  Print("lateness_p99", Quantile(ours, .99), "us", kGoalP99Us, "goal");
  PrintLateness("lateness", ours, peer, "cyclictest");
  PrintLateness("lateness_other", ordinary, peer, "cyclictest");
  PrintLateness("cyclictest", peer, peer, "cyclictest");
  Print("late_ticks", static_cast<double>(fifo.late()), "ticks", static_cast<double>(ours.size()),
        "all_ticks");
  for (int i = 0; i < bridge::kLateCauses; ++i) {
    const auto cause = static_cast<bridge::LateCause>(i);
    if (fifo.late(cause) == 0) continue;
    Print(std::string("late_ticks_") + Name(cause), static_cast<double>(fifo.late(cause)), "ticks",
          static_cast<double>(fifo.late()), "late_ticks");
  }
  Print("missed_ticks", static_cast<double>(fifo.missed()), "ticks",
        static_cast<double>(ours.size()), "all_ticks");
  std::vector<bridge::LateTick> worst = fifo.worst();
  std::sort(worst.begin(), worst.end(),
            [](const auto& a, const auto& b) { return a.lateness_ns > b.lateness_ns; });
  for (size_t i = 0; i < std::min<size_t>(10, worst.size()); ++i) {
    std::printf("late by %.0f us on core %d: ready for %.0f us, %u preemptions, %u page faults\n",
                1e-3 * static_cast<double>(worst[i].lateness_ns), worst[i].cpu,
                1e-3 * static_cast<double>(worst[i].waited_ns), worst[i].preemptions,
                worst[i].page_faults);
  }
  return peer.empty() ? 1 : 0;
}

}  // namespace
}  // namespace estuary::benchmarks

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 60;
  const int priority = argc > 2 ? std::atoi(argv[2]) : 80;
  const int core = argc > 4 ? std::atoi(argv[4]) : 0;
  const double spin_us = argc > 3 ? std::atof(argv[3])
                                  : static_cast<double>(estuary::bridge::LoopConfig().spin_ns) /
                                        estuary::bridge::kMicrosecond;
  if (!(seconds > 0 && seconds <= 86'400) || priority < 1 || priority > 98 || core < 0 ||
      core >= sysconf(_SC_NPROCESSORS_ONLN) || !(spin_us >= 0 && spin_us <= 1000)) {
    std::fprintf(stderr,
                 "usage: bridge_benchmark [seconds] [priority 1..98] [spin_us 0..1000] [core]\n");
    return 2;
  }
  return estuary::benchmarks::Run(
      seconds, priority, static_cast<int64_t>(spin_us * estuary::bridge::kMicrosecond), core);
}
