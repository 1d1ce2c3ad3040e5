// What stands between an action that somebody wants and the motors: pure functions, soft limits
// before hard ones. Each says whether it changed anything; the applied action is what is recorded.
//
// Order in the loop: finite check, envelope (the source's share of the action fades to the fallback
// controller's as the robot nears a bound, then the fallback takes over, then the motors go off),
// clamp, rate limit, low-pass.
#pragma once

#include <array>
#include <cstdint>

#include "robot_bridge/loop/types.h"

namespace estuary::bridge {

// One quantity of the observation that must stay near `center`. Distances from it rise: soft <=
// fallback <= off.
struct EnvelopeAxis {
  int index = 0;
  float center = 0;
  float soft = 0;
  float fallback = 0;
  float off = 0;
};

inline constexpr int kMaxAxes = 8;

struct Limits {
  // Largest magnitude of an action, in (0, 1].
  float max_action = 1;
  // Largest change between two ticks; 2 limits nothing.
  float max_change = 2;
  // Weight of the new action against the previous one; 1 filters nothing.
  float low_pass = 1;
  std::array<EnvelopeAxis, kMaxAxes> axes{};
  int axis_count = 0;
};

struct EnvelopeVerdict {
  // Of the source's action in the command, the fallback controller has the rest: 1 up to `soft`, 0
  // from `fallback` on.
  float share = 1;
  bool fallback = false;
  bool off = false;
  // The axis that decided, -1 where share is 1.
  int axis = -1;
};

// Bits of what LimitAction changed.
enum LimitedBy : uint32_t {
  kNotLimited = 0,
  kClamped = 1,
  kRateLimited = 2,
  kLowPassed = 4,
  kBlended = 8,
};

bool AllFinite(const float* values, int count);

EnvelopeVerdict CheckEnvelope(const Limits& limits, const float* observation);

// action = share * action + (1 - share) * fallback.
uint32_t Blend(float share, const float* fallback, int count, float* action);

// Clamp, rate limit, low-pass against the previous command; all values must be finite.
uint32_t LimitAction(const Limits& limits, const float* previous, int count, float* action);

}  // namespace estuary::bridge
