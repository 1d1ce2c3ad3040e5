#include "robot_bridge/emulator/emulator.h"

#include <algorithm>
#include <cmath>

namespace estuary::bridge {

Emulator::Emulator(const EmulatorOptions& options, std::unique_ptr<Plant> plant)
    : options_(options), plant_(std::move(plant)), random_(options.seed) {
  Hold();
}

void Emulator::Hold() {
  driven_ = false;
  powered_periods_ = 0;
  plant_->Place(options_.release, random_);
}

Observation Emulator::EndPeriod(int64_t start_ns) {
  const int64_t end_ns = start_ns + kPeriodNs;
  Observation observation;
  observation.sequence = ++sequence_;
  observation.robot_time_ns = end_ns;
  made_ns_[sequence_ % made_ns_.size()] = end_ns;
  if (driven_) {
    Integrate(start_ns, observation);
    observation.observation_dim = plant_->Observe(observation.observation);
    // The observation at the end of an episode is its last; the robot is back in its start pose in
    // the next.
    if (episode_.end != EpisodeEnd::kNone) {
      ++episodes_ended_;
      Hold();
    }
    return observation;
  }
  powered_periods_ = At(end_ns).torque_on ? powered_periods_ + 1 : 0;
  observation.observation_dim = plant_->Observe(observation.observation);
  if (powered_periods_ > options_.hold_periods) {
    driven_ = true;
    observation.episode_start = true;
    episode_ = EpisodeSummary();
    episode_.max_abs_x = std::abs(plant_->x());
  }
  return observation;
}

Emulator::InForce Emulator::At(int64_t now) {
  while (!arrived_.empty() && arrived_.front().arrival_ns <= now) {
    newest_ = arrived_.front();
    has_command_ = true;
    NoteLateness(newest_);
    arrived_.pop_front();
  }
  InForce in_force;
  if (!has_command_) return in_force;
  const bool off = options_.watchdog.At(now, newest_.arrival_ns) == Watchdog::Verdict::kOff;
  in_force.sequence = newest_.command.observation_sequence;
  in_force.torque_on = newest_.command.torque_on && !off;
  in_force.action = in_force.torque_on ? std::clamp(newest_.command.action[0], -1.0f, 1.0f) : 0;
  return in_force;
}

void Emulator::Integrate(int64_t start_ns, Observation& observation) {
  constexpr int kSubsteps = worlds::WheelLeggedRobot::kSubstepsPerPeriod;
  constexpr int64_t kSubstepNs = kPeriodNs / kSubsteps;
  InForce in_force;
  bool changed = false;
  for (int i = 0; i < kSubsteps; ++i) {
    const InForce now = At(start_ns + (i + 1) * kSubstepNs);
    if (i > 0) {
      changed = changed || now.sequence != in_force.sequence || now.torque_on != in_force.torque_on;
    }
    in_force = now;
    plant_->Step(in_force.action);
  }
  observation.applied_changed = changed;
  if (in_force.torque_on || changed) {
    observation.applied_sequence = in_force.sequence;
    observation.applied_dim = 1;
    observation.applied_action[0] = in_force.action;
  }
  ++episode_.periods;
  if (changed) ++episode_.split_periods;
  if (!in_force.torque_on) ++episode_.unpowered_periods;
  episode_.final_x = plant_->x();
  episode_.max_abs_x = std::max(episode_.max_abs_x, std::abs(plant_->x()));
  episode_.episode_return += plant_->Reward(in_force.action);
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
