#include "robot_bridge/config.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "common/process/status.h"
#include "common/process/textproto.h"

namespace estuary::bridge {
namespace {

template <typename... Parts>
absl::Status Bad(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

template <typename Values>
bool AllFiniteIn(const Values& values) {
  return std::all_of(values.begin(), values.end(),
                     [](float value) { return std::isfinite(value); });
}

absl::Status ApplyFallback(const v1::FallbackConfig& config, Feedback& feedback) {
  if (config.gain_size() != feedback.action_dim) {
    return Bad("fallback.gain must have ", feedback.action_dim, " rows, one an action, got ",
               config.gain_size());
  }
  if (config.target_size() != feedback.observation_dim) {
    return Bad("fallback.target must have ", feedback.observation_dim,
               " numbers, one an observation, got ", config.target_size());
  }
  if (!(config.scale() > 0) || !std::isfinite(config.scale())) {
    return Bad("fallback.scale must be positive, got ", config.scale());
  }
  if (!AllFiniteIn(config.target())) return Bad("fallback.target is not finite");
  for (int i = 0; i < config.gain_size(); ++i) {
    const auto& row = config.gain(i).value();
    if (row.size() != feedback.observation_dim || !AllFiniteIn(row)) {
      return Bad("fallback.gain[", i, "] must have ", feedback.observation_dim,
                 " finite numbers, one an observation, got ", row.size());
    }
    std::copy(row.begin(), row.end(), feedback.gain[i].begin());
  }
  std::copy(config.target().begin(), config.target().end(), feedback.target.begin());
  feedback.scale = config.scale();
  return absl::OkStatus();
}

absl::Status ApplyAxis(const v1::EnvelopeAxis& config, int number, int observation_dim,
                       EnvelopeAxis& axis) {
  if (config.observation() >= static_cast<uint32_t>(observation_dim)) {
    return Bad("limits.envelope[", number, "].observation must be below ", observation_dim,
               ", got ", config.observation());
  }
  // Written so that a NaN fails.
  if (!(0 <= config.soft() && config.soft() <= config.fallback() &&
        config.fallback() <= config.off() && config.off() > 0 && std::isfinite(config.center()))) {
    return Bad("limits.envelope[", number, "] needs 0 <= soft <= fallback <= off and off > 0, got ",
               config.soft(), ", ", config.fallback(), ", ", config.off());
  }
  axis.index = static_cast<int>(config.observation());
  axis.center = config.center();
  axis.soft = config.soft();
  axis.fallback = config.fallback();
  axis.off = config.off();
  return absl::OkStatus();
}

absl::Status ApplyPart(const char* name, bool given, float value, float highest, float& to) {
  if (!given) return absl::OkStatus();
  if (!(value > 0 && value <= highest)) {
    return Bad("limits.", name, " must be in (0, ", highest, "], got ", value);
  }
  to = value;
  return absl::OkStatus();
}

absl::Status ApplyLimits(const v1::LimitsConfig& config, int observation_dim, Limits& limits) {
  ESTUARY_RETURN_IF_ERROR(
      ApplyPart("max_action", config.has_max_action(), config.max_action(), 1, limits.max_action));
  ESTUARY_RETURN_IF_ERROR(
      ApplyPart("max_change", config.has_max_change(), config.max_change(), 2, limits.max_change));
  ESTUARY_RETURN_IF_ERROR(
      ApplyPart("low_pass", config.has_low_pass(), config.low_pass(), 1, limits.low_pass));
  if (config.envelope_size() == 0) return absl::OkStatus();
  if (config.envelope_size() > kMaxAxes) {
    return Bad("limits.envelope may have ", kMaxAxes, " axes, got ", config.envelope_size());
  }
  for (int i = 0; i < config.envelope_size(); ++i) {
    ESTUARY_RETURN_IF_ERROR(ApplyAxis(config.envelope(i), i, observation_dim, limits.axes[i]));
  }
  limits.axis_count = config.envelope_size();
  return absl::OkStatus();
}

absl::Status ApplyTiming(const v1::TimingConfig& config, LoopConfig& loop) {
  if (config.pacing() == v1::TimingConfig::CLOCK) loop.pacing = Pacing::kClock;
  if (config.has_stale_ms()) loop.stale_ns = config.stale_ms() * kMillisecond;
  if (config.has_lost_ms()) loop.lost_ns = config.lost_ms() * kMillisecond;
  if (loop.stale_ns < 2 * loop.period_ns || loop.lost_ns < loop.stale_ns ||
      loop.lost_ns > 10 * kSecond) {
    return Bad("timing needs 2 control periods <= stale_ms <= lost_ms <= 10000, got ",
               loop.stale_ns / kMillisecond, " and ", loop.lost_ns / kMillisecond);
  }
  constexpr uint32_t kMostTicks = 1'000'000;
  if (std::max({config.invalid_ticks_off(), config.recovery_ticks(), config.fade_ticks()}) >
      kMostTicks) {
    return Bad("timing: ticks may be ", kMostTicks, " at most");
  }
  if (config.has_operator_silent_ms()) {
    loop.operator_silent_ns = config.operator_silent_ms() * kMillisecond;
    if (loop.operator_silent_ns < 2 * loop.period_ns || loop.operator_silent_ns > 10 * kSecond) {
      return Bad("timing.operator_silent_ms must be from 2 control periods to 10000, got ",
                 config.operator_silent_ms());
    }
  }
  if (config.has_invalid_ticks_off()) {
    if (config.invalid_ticks_off() == 0) return Bad("timing.invalid_ticks_off must be at least 1");
    loop.invalid_ticks_off = static_cast<int>(config.invalid_ticks_off());
  }
  if (config.has_recovery_ticks()) loop.recovery_ticks = static_cast<int>(config.recovery_ticks());
  if (config.has_late_us()) loop.late_ns = config.late_us() * kMicrosecond;
  if (config.has_spin_us()) loop.spin_ns = config.spin_us() * kMicrosecond;
  if (loop.late_ns <= 0 || loop.late_ns > loop.period_ns) {
    return Bad("timing.late_us must be in (0, ", loop.period_ns / kMicrosecond,
               "], a control period, got ", loop.late_ns / kMicrosecond);
  }
  if (loop.spin_ns > loop.period_ns / 2) {
    return Bad("timing.spin_us may be half of a control period, ",
               loop.period_ns / 2 / kMicrosecond, ", at most, got ", loop.spin_ns / kMicrosecond);
  }
  if (config.has_fade_ticks()) loop.fade_ticks = static_cast<int>(config.fade_ticks());
  return absl::OkStatus();
}

}  // namespace

absl::Status ApplyConfig(const v1::BridgeConfig& config, RobotTask& task) {
  LoopConfig loop = task.loop;
  if (config.has_fallback()) {
    ESTUARY_RETURN_IF_ERROR(ApplyFallback(config.fallback(), loop.feedback));
  }
  ESTUARY_RETURN_IF_ERROR(ApplyLimits(config.limits(), loop.task.observation_dim, loop.limits));
  ESTUARY_RETURN_IF_ERROR(ApplyTiming(config.timing(), loop));
  task.loop = loop;
  return absl::OkStatus();
}

absl::Status ApplyConfigFile(const std::string& path, RobotTask& task) {
  v1::BridgeConfig config;
  ESTUARY_RETURN_IF_ERROR(process::ReadTextProto(path, &config));
  const absl::Status status = ApplyConfig(config, task);
  return status.ok() ? status : process::Annotate(status, absl::StrCat("'", path, "'"));
}

}  // namespace estuary::bridge
