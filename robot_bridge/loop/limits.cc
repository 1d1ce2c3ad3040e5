#include "robot_bridge/loop/limits.h"

#include <algorithm>
#include <cmath>

namespace estuary::bridge {

bool AllFinite(const float* values, int count) {
  return std::all_of(values, values + count, [](float value) { return std::isfinite(value); });
}

EnvelopeVerdict CheckEnvelope(const Limits& limits, const float* observation) {
  EnvelopeVerdict verdict;
  for (int i = 0; i < limits.axis_count; ++i) {
    const EnvelopeAxis& axis = limits.axes[i];
    const float distance = std::abs(observation[axis.index] - axis.center);
    float share = 1;
    if (distance >= axis.fallback) {
      share = 0;
    } else if (distance > axis.soft) {
      share = (axis.fallback - distance) / (axis.fallback - axis.soft);
    }
    const bool off = distance >= axis.off;
    if (share < verdict.share || (off && !verdict.off)) verdict.axis = i;
    verdict.share = std::min(verdict.share, share);
    verdict.fallback = verdict.fallback || distance >= axis.fallback;
    verdict.off = verdict.off || off;
  }
  return verdict;
}

uint32_t Blend(float share, const float* fallback, int count, float* action) {
  if (share >= 1) return kNotLimited;
  for (int i = 0; i < count; ++i) action[i] = share * action[i] + (1 - share) * fallback[i];
  return kBlended;
}

uint32_t LimitAction(const Limits& limits, const float* previous, int count, float* action) {
  uint32_t limited = kNotLimited;
  for (int i = 0; i < count; ++i) {
    float value = std::clamp(action[i], -limits.max_action, limits.max_action);
    if (value != action[i]) limited |= kClamped;
    const float changed = std::clamp(value, previous[i] - limits.max_change,  //
                                     previous[i] + limits.max_change);
    if (changed != value) limited |= kRateLimited;
    value = changed;
    if (limits.low_pass < 1) {
      value = previous[i] + limits.low_pass * (value - previous[i]);
      limited |= kLowPassed;
    }
    action[i] = value;
  }
  return limited;
}

}  // namespace estuary::bridge
