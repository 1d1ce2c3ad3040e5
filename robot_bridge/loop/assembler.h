// Makes transitions (s, a, r, s') out of observations and of what is known about the commands that
// were in force between them.
//
// A transition needs two consecutive observations of one link, both valid, and one command in force
// over the whole period between them. Everything else is a gap: no transition is made across it,
// and the last one before it is marked truncated, which is why each is held back until the next
// observation (or a Flush) decides. An episode is a run of transitions without a cut; its number is
// never used again.
//
// Used by the loop's thread; allocates nothing.
#pragma once

#include <array>
#include <cstdint>

#include "robot_bridge/loop/types.h"

namespace estuary::bridge {

// The robot's task as the loop needs it: sizes and pure functions.
struct LoopTask {
  int observation_dim = 0;
  int action_dim = 0;
  double (*reward)(const float* next_observation, const float* action) = nullptr;
  bool (*terminal)(const float* observation) = nullptr;
};

// What the loop decided when it answered an observation.
struct Decision {
  uint64_t link = 0;
  uint64_t sequence = 0;
  Source source = Source::kFallback;
  uint32_t policy_version = 0;
  ActionArray wanted{};
  uint32_t latency_us = 0;
};

// Decisions of the last kSize observations.
class DecisionLog {
 public:
  static constexpr int kSize = 256;

  void Put(const Decision& decision) { decisions_[decision.sequence % kSize] = decision; }
  // Null where it is not known any more.
  const Decision* Find(uint64_t link, uint64_t sequence) const {
    const Decision& decision = decisions_[sequence % kSize];
    return decision.link == link && decision.sequence == sequence ? &decision : nullptr;
  }

 private:
  std::array<Decision, kSize> decisions_{};
};

class Assembler {
 public:
  // What Add did with an observation.
  enum class Outcome : uint8_t {
    // A transition ends at this observation.
    kTransition,
    // None, and none was to be expected: first observation, motors off, an episode starts.
    kNone,
    // None, although the robot was driven: a gap.
    kGap,
  };

  Assembler(const LoopTask& task, uint32_t first_episode) : task_(task), episode_(first_episode) {}

  // `valid`: finite and of the task's size. Where a transition is complete, calls emit(transition).
  template <typename Emit>
  Outcome Add(const Observation& observation, bool valid, const DecisionLog& decisions,
              Emit&& emit) {
    const Outcome outcome = Classify(observation, valid, decisions);
    if (outcome == Outcome::kTransition) {
      if (has_pending_) Out(emit);
      Build(observation, decisions);
      has_pending_ = true;
      if (pending_.terminal) {
        Out(emit);
        closed_ = true;
      }
    } else {
      Cut(emit);
    }
    Remember(observation, valid);
    return outcome;
  }

  // No further observation is here: what is held back goes out, truncated, and the episode is over.
  template <typename Emit>
  void Flush(Emit&& emit) {
    Cut(emit);
    has_last_ = false;
  }

  // The episode is over, as its operator says: what is held back goes out, truncated, and the next
  // transition, which begins where this one ended, belongs to a new episode.
  template <typename Emit>
  void EndEpisode(Emit&& emit) {
    Cut(emit);
  }

  uint32_t episode() const { return episode_; }
  // A transition waits for its truncated flag.
  bool holds() const { return has_pending_; }
  // Of the newest transition.
  float reward() const { return pending_.reward; }

 private:
  Outcome Classify(const Observation& observation, bool valid, const DecisionLog& decisions);
  void Build(const Observation& observation, const DecisionLog& decisions);
  void Remember(const Observation& observation, bool valid);

  template <typename Emit>
  void Cut(Emit&& emit) {
    if (has_pending_) {
      pending_.truncated = true;
      Out(emit);
    }
    if (episode_used_) {
      ++episode_;
      episode_used_ = false;
    }
  }

  template <typename Emit>
  void Out(Emit&& emit) {
    emit(pending_);
    has_pending_ = false;
    episode_used_ = true;
  }

  const LoopTask task_;
  uint32_t episode_;
  // Transitions with this episode's number went out.
  bool episode_used_ = false;
  // The episode terminated: nothing is made until the robot starts anew.
  bool closed_ = false;
  bool has_last_ = false;
  Observation last_;
  bool has_pending_ = false;
  Transition pending_;
};

}  // namespace estuary::bridge
