// A robot's control program: reads its sensors, sends an observation every 5 ms, applies the newest
// command, and turns its motors off by itself when commands stop. Everything of the robot's own is
// in class Hardware; here that is a crude model of the wheel-legged robot, so that the program can
// be tried without one. Put yours in its place.
//
//   robot BRIDGE [SECONDS]        BRIDGE: unix:/path, host:port, udp:host:port,
//   serial:/dev/tty@baud
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "robot_bridge/client/connect.h"
#include "robot_bridge/client/motor_gate.h"
#include "robot_bridge/loop/clock.h"

namespace {

using namespace estuary::bridge;

constexpr int64_t kPeriod = 5 * kMillisecond;

class Hardware {
 public:
  // Pitch, pitch rate, position, velocity: what the task wheel_legged_stand observes, in its order
  // and units (rad, rad/s, m, m/s).
  void Read(float* observation) const {
    observation[0] = static_cast<float>(pitch_);
    observation[1] = static_cast<float>(pitch_rate_);
    observation[2] = static_cast<float>(position_);
    observation[3] = static_cast<float>(velocity_);
  }
  // In [-1, 1]; 1 is 10 N m, the sum of both wheels.
  void Drive(float action) {
    torque_ = 10 * std::clamp(action, -1.f, 1.f);
    held_ = false;
  }
  void MotorsOff() { torque_ = 0; }

  // The stand holds the robot until its motors first turn; then it obeys physics.
  void Advance() {
    if (held_) return;
    const double lean = pitch_ - kBalance;
    for (int i = 0; i < 5; ++i) {
      pitch_rate_ += .001 * (75 * lean - .5 * pitch_rate_ - 7 * torque_);
      velocity_ += .001 * (2.4 * torque_ - 16 * lean);
      pitch_ = std::clamp(pitch_ + .001 * pitch_rate_, -1.5, 1.5);
      position_ += .001 * velocity_;
    }
  }
  double pitch() const { return pitch_; }

 private:
  static constexpr double kBalance = -.107;
  double pitch_ = kBalance + .03;
  double pitch_rate_ = 0;
  double position_ = 0;
  double velocity_ = 0;
  double torque_ = 0;
  bool held_ = true;
};

volatile std::sig_atomic_t stop = 0;

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s BRIDGE [SECONDS]\n", argv[0]);
    return 2;
  }
  std::signal(SIGINT, [](int) { stop = 1; });
  std::signal(SIGTERM, [](int) { stop = 1; });

  // As the bridge's --robot and --task say; a bridge that expects another robot refuses this one.
  const RobotIdentity identity = {.robot = "robot",
                                  .task = "wheel_legged_stand",
                                  .observation_dim = 4,
                                  .action_dim = 1,
                                  .control_period_us = 5000};
  // This thread first: those that it starts inherit its priority. Without the right to one it goes
  // on at normal priority, and says so.
  const RealtimeOptions realtime = {.priority = 70};
  RealtimeGrants grants;
  LockMemory(realtime, grants);
  MakeThisThreadRealtime(realtime, grants);
  for (const std::string& refused : grants.refused) std::fprintf(stderr, "%s\n", refused.c_str());

  ConnectOptions options;
  options.realtime = realtime;
  if (const char* folder = std::getenv("ESTUARY_TLS")) options.tls = folder;
  options.word = [](const std::string& word) { std::fprintf(stderr, "%s\n", word.c_str()); };
  std::string error;
#ifdef FRAMES_ALONE
  const auto link = ConnectFrames(argv[1], identity, options, error);
#else
  const auto link = ConnectRobot(argv[1], identity, options, error);
#endif
  if (link == nullptr) {
    std::fprintf(stderr, "robot: error: %s\n", error.c_str());
    return 1;
  }
  Hardware hardware;
  MotorGate gate(identity.action_dim);
  Observation observation;
  observation.observation_dim = identity.observation_dim;
  const int64_t start = Now();
  const int64_t end = argc > 2 ? start + std::atoll(argv[2]) * kSecond : INT64_MAX;
  int64_t powered = 0;
  for (int64_t next = start + kPeriod; !stop && next < end; next += kPeriod) {
    // One command for the whole period, the newest: a period with two makes no transition.
    ReceivedCommand command;
    while (link->NextCommand(command)) gate.Arrived(command);
    const MotorGate::InForce motors = gate.At(Now());
    if (motors.torque_on) {
      hardware.Drive(motors.action[0]);
    } else {
      hardware.MotorsOff();
    }
    powered += motors.torque_on;
    SleepUntil(next);

    hardware.Advance();
    ++observation.sequence;
    observation.robot_time_ns = Now();
    hardware.Read(observation.observation.data());
    gate.EndPeriod(observation);
    link->SendObservation(observation);

    if (const std::string refused = link->refused(); !refused.empty()) {
      hardware.MotorsOff();
      std::fprintf(stderr, "robot: error: %s\n", refused.c_str());
      return 1;
    }
  }
  hardware.MotorsOff();
  link->Stop();
  std::printf("ran for %.1f s, motors on for about %.1f s, pitch %.3f rad\n",
              1e-9 * (Now() - start), 1e-9 * kPeriod * powered, hardware.pitch());
  return 0;
}
