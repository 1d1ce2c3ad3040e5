#include "cli/status/robot_report.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/progress/format.h"
#include "cli/robot/operator_client.h"

namespace estuary::cli {
namespace {

std::string Timing(const v1::RobotStatus& s) {
  std::string text = absl::StrFormat("  ticks            %s, %s missed\n", WithCommas(s.ticks()),
                                     WithCommas(s.missed_ticks()));
  absl::StrAppendFormat(&text, "  lateness         p50 %.0f us, p99 %.0f us, max %.0f us\n",
                        s.lateness_p50_us(), s.lateness_p99_us(), s.lateness_max_us());
  if (s.late_ticks() > 0) {
    const auto cause = [](std::string* out, const v1::LateTicks& late) {
      absl::StrAppend(out, late.cause(), " ", WithCommas(late.count()));
    };
    absl::StrAppendFormat(&text, "  late ticks       %s: %s\n", WithCommas(s.late_ticks()),
                          absl::StrJoin(s.late_ticks_by_cause(), ", ", cause));
  }
  absl::StrAppendFormat(&text, "  action latency   p50 %.0f us, p99 %.0f us\n",
                        s.action_latency_p50_us(), s.action_latency_p99_us());
  return text;
}

std::string Data(const v1::RobotStatus& s) {
  std::string text = absl::StrFormat("  transitions      %s recorded, %s acknowledged\n",
                                     WithCommas(s.transitions_recorded()),
                                     WithCommas(s.transitions_acknowledged()));
  absl::StrAppendFormat(&text, "  chosen by        policy %s, operator %s, fallback %s\n",
                        WithCommas(s.policy_transitions()), WithCommas(s.operator_transitions()),
                        WithCommas(s.fallback_transitions()));
  if (s.spool_seconds_left() > 0) {
    absl::StrAppendFormat(
        &text,
        "  spool            %s waiting, the oldest for %.1f s; %.1f %% full, room for %s of "
        "driving\n",
        WithCommas(s.spool_rows_waiting()), s.spool_oldest_seconds(), 100 * s.spool_used(),
        Clock(absl::Seconds(s.spool_seconds_left())));
  }
  if (s.transitions_lost() > 0) {
    absl::StrAppendFormat(&text, "  lost             %s transitions that could not be kept\n",
                          WithCommas(s.transitions_lost()));
  }
  return text;
}

std::string WhoActs(const v1::RobotStatus& s) {
  std::string text = absl::StrFormat("  policy version   %s", WithCommas(s.policy_version()));
  if (s.has_policy_age_seconds()) {
    absl::StrAppendFormat(&text, ", in use for %s", Clock(absl::Seconds(s.policy_age_seconds())));
  }
  text += '\n';
  if (s.learner_away_seconds() > 0) {
    absl::StrAppendFormat(&text, "  learner          away for %s\n",
                          Clock(absl::Seconds(s.learner_away_seconds())));
  }
  if (!s.operator_().empty() || s.operator_actions_stale() > 0) {
    absl::StrAppendFormat(&text, "  operator         %s, %s stale actions\n",
                          s.operator_().empty() ? "nobody" : s.operator_(),
                          WithCommas(s.operator_actions_stale()));
  }
  if (!s.policy_refusal().empty()) {
    absl::StrAppendFormat(&text, "  policies         %s refused; the last: %s\n",
                          WithCommas(s.policies_refused()), s.policy_refusal());
  }
  return text;
}

}  // namespace

std::string FormatRobot(const v1::RobotStatus& s) {
  std::string text =
      absl::StrCat(s.robot().empty() ? "the robot" : s.robot(), " is ", StateName(s.state()),
                   s.reason().empty() ? "" : ": ", s.reason(), "\n");
  absl::StrAppendFormat(&text, "  connected        %s (%s connections so far)\n",
                        s.robot_connected() ? "yes" : "no", WithCommas(s.robot_connections()));
  absl::StrAppend(&text, WhoActs(s), Timing(s), Data(s));
  absl::StrAppendFormat(&text, "  trouble          %s observation gaps, %s limited actions\n",
                        WithCommas(s.observation_gaps()), WithCommas(s.limited_actions()));
  absl::StrAppendFormat(&text, "  episode          %.1f s, return %s\n", s.episode_seconds(),
                        Short(s.episode_return()));
  for (const v1::StateChange& change : s.changes()) {
    absl::StrAppendFormat(&text, "  %8.1f s ago   %s -> %s: %s (%s)\n", change.seconds_ago(),
                          StateName(change.from()), StateName(change.to()), change.reason(),
                          change.reason_code());
  }
  if (s.observation_size() > 0) {
    const auto value = [](std::string* out, float number) {
      absl::StrAppendFormat(out, "%.3f", number);
    };
    absl::StrAppendFormat(&text, "  observation      %s\n",
                          absl::StrJoin(s.observation(), ", ", value));
  }
  return text;
}

}  // namespace estuary::cli
