#include "cli/status/learner_report.h"

#include <map>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "cli/progress/format.h"
#include "cli/table/table.h"

namespace estuary::cli {
namespace {

// "waiting for real data"
std::string PhaseWords(v1::LearnerPhase phase) {
  return absl::StrReplaceAll(
      absl::AsciiStrToLower(absl::StripPrefix(v1::LearnerPhase_Name(phase), "LEARNER_PHASE_")),
      {{"_", " "}});
}

std::string Returns(const v1::LearnerStatus& s) {
  if (s.evaluated_version() == 0) return "";
  std::string text =
      absl::StrFormat("  return             real %s, sim %s, gap %s (version %s)\n",
                      Short(s.real_return()), Short(s.sim_return()),
                      Short(s.sim_return() - s.real_return()), WithCommas(s.evaluated_version()));
  if (s.best_version() > 0) {
    absl::StrAppendFormat(&text, "  best               real %s (version %s)\n",
                          Short(s.best_real_return()), WithCommas(s.best_version()));
  }
  return text;
}

}  // namespace

std::string FormatLearner(const v1::LearnerStatus& s) {
  std::string text = absl::StrCat("learner of run ", s.run_id(), ": ", PhaseWords(s.phase()),
                                  s.detail().empty() ? "" : ": ", s.detail(), "\n");
  const auto progress = [&text](const char* name, uint64_t done, uint64_t total, double rate) {
    absl::StrAppendFormat(&text, "  %-18s %s of %s, %s/s\n", name, WithCommas(done),
                          WithCommas(total), Short(rate));
  };
  progress("gradient steps", s.gradient_steps(), s.gradient_steps_total(),
           s.gradient_steps_per_second());
  progress("environment steps", s.environment_steps(), s.environment_steps_total(),
           s.environment_steps_per_second());
  absl::StrAppendFormat(&text, "  rows held          %s real, %s simulated\n",
                        WithCommas(s.real_rows()), WithCommas(s.sim_rows()));
  if (s.samples_per_insert_configured() > 0) {
    absl::StrAppendFormat(&text, "  samples per insert %s of %s\n", Short(s.samples_per_insert()),
                          Short(s.samples_per_insert_configured()));
  }
  if (s.has_newest_real_row_age_seconds()) {
    absl::StrAppendFormat(&text, "  newest real row    %s ago\n",
                          Clock(absl::Seconds(s.newest_real_row_age_seconds())));
  }
  absl::StrAppendFormat(&text, "  waited for rows    %.1f s\n", s.starved_seconds());
  absl::StrAppendFormat(&text, "  policy version     %s\n", WithCommas(s.policy_version()));
  if (s.has_checkpoint_age_seconds()) {
    absl::StrAppendFormat(&text, "  checkpoint         %s ago\n",
                          Clock(absl::Seconds(s.checkpoint_age_seconds())));
  }
  text += Returns(s);
  if (s.metrics().empty()) return text;
  std::vector<std::vector<std::string>> rows = {{"metric", "newest"}};
  const std::map<std::string, double> sorted(s.metrics().begin(), s.metrics().end());
  for (const auto& [name, value] : sorted) rows.push_back({name, absl::StrFormat("%.5g", value)});
  absl::StrAppend(&text, "\n", FormatTable(rows));
  return text;
}

}  // namespace estuary::cli
