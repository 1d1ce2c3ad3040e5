#include "robot_bridge/emulator/emulator.h"

#include <algorithm>
#include <cmath>

namespace estuary::bridge {

Emulator::Emulator(const EmulatorOptions& options, std::unique_ptr<Plant> plant)
    : options_(options),
      plant_(std::move(plant)),
      random_(options.seed),
      gate_(plant_->identity().action_dim, options.watchdog) {
  Hold();
}

void Emulator::Hold() {
  driven_ = false;
  powered_periods_ = 0;
  plant_->Place(options_.release, random_);
}

void Emulator::Arrived(const ReceivedCommand& command) {
  NoteLateness(command);
  ReceivedCommand acts = command;
  acts.arrival_ns += options_.actuation_delay_ns;
  gate_.Arrived(acts);
}

void Emulator::Push() {
  if (driven_) plant_->Push();
}

Observation Emulator::EndPeriod(int64_t start_ns) {
  const int64_t end_ns = start_ns + kPeriodNs;
  Observation observation;
  observation.sequence = ++sequence_;
  observation.robot_time_ns = end_ns;
  made_ns_[sequence_ % made_ns_.size()] = end_ns;
  if (driven_) {
    Integrate(start_ns, observation);
    observation.observation_dim = plant_->Observe(observation.observation, random_);
    // The observation at the end of an episode is its last; the robot is back in its start pose in
    // the next.
    if (episode_.end != EpisodeEnd::kNone) {
      ++episodes_ended_;
      Hold();
    }
    return observation;
  }
  powered_periods_ = gate_.At(end_ns).torque_on ? powered_periods_ + 1 : 0;
  // Held, the motors move nothing: no command was in force.
  Observation ignored;
  gate_.EndPeriod(ignored);
  observation.observation_dim = plant_->Observe(observation.observation, random_);
  if (powered_periods_ > options_.hold_periods) {
    driven_ = true;
    observation.episode_start = true;
    episode_ = EpisodeSummary();
    episode_.max_abs_x = std::abs(plant_->x());
  }
  return observation;
}

void Emulator::Integrate(int64_t start_ns, Observation& observation) {
  constexpr int kSubsteps = worlds::WheelLeggedRobot::kSubstepsPerPeriod;
  constexpr int64_t kSubstepNs = kPeriodNs / kSubsteps;
  MotorGate::InForce in_force;
  for (int i = 0; i < kSubsteps; ++i) {
    in_force = gate_.At(start_ns + (i + 1) * kSubstepNs);
    plant_->Step(in_force.action[0]);
  }
  gate_.EndPeriod(observation);
  ++episode_.periods;
  if (observation.applied_changed) ++episode_.split_periods;
  if (!in_force.torque_on) ++episode_.unpowered_periods;
  episode_.final_x = plant_->x();
  episode_.max_abs_x = std::max(episode_.max_abs_x, std::abs(plant_->x()));
  episode_.episode_return += plant_->Reward(in_force.action[0]);
  if (plant_->Fallen()) {
    episode_.end = EpisodeEnd::kFallen;
  } else if (options_.area_limited && plant_->LeftArea()) {
    episode_.end = EpisodeEnd::kLeftArea;
  } else if (episode_.periods >= options_.episode_periods) {
    episode_.end = EpisodeEnd::kTime;
  }
}

void Emulator::NoteLateness(const ReceivedCommand& received) {
  const uint64_t sequence = received.command.observation_sequence;
  if (!driven_ || sequence == 0 || sequence + made_ns_.size() <= sequence_) return;
  const int64_t lateness = received.arrival_ns - made_ns_[sequence % made_ns_.size()];
  ++episode_.commands;
  episode_.lateness_sum_ns += lateness;
  episode_.lateness_max_ns = std::max(episode_.lateness_max_ns, lateness);
}

}  // namespace estuary::bridge
