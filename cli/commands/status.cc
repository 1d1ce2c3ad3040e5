// estuary status: what a running cluster holds and does, and who waits on whom.
#include "common/process/status.h"

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "cli/commands/commands.h"
#include "cli/progress/format.h"
#include "cli/table/table.h"
#include "common/client/learner_client.h"
#include "common/client/replay_shards.h"

namespace estuary::cli {
namespace {

constexpr absl::Duration kTimeout = absl::Seconds(5);

struct Options {
  std::string replay;
  std::string learner;
};

// Adds the shards' rows to the table; gives the lines on who waits, and errors of shards.
absl::Status PrintShards(const std::vector<std::string>& shards) {
  const auto answers = client::DescribeShards(shards, kTimeout);
  std::vector<std::vector<std::string>> rows = {{"shard", "table", "rows", "capacity", "inserted",
                                                 "in bulk", "sampled", "duplicates", "rejected",
                                                 "writers", "followers"}};
  std::string waits;
  absl::Status first_error;
  for (size_t i = 0; i < shards.size(); ++i) {
    if (!answers[i].ok()) {
      rows.push_back({shards[i], "away"});
      if (first_error.ok()) {
        first_error = process::Annotate(answers[i].status(), absl::StrCat("shard ", shards[i]));
      }
      continue;
    }
    for (const v1::TableStatus& t : answers[i]->tables()) {
      const std::string& name = t.config().name();
      rows.push_back({shards[i], name, WithCommas(t.rows()), WithCommas(t.config().capacity()),
                      WithCommas(t.inserted()), WithCommas(t.inserted_in_bulk()),
                      Short(t.sampled()), WithCommas(t.duplicates_dropped()),
                      WithCommas(t.rejected()), absl::StrCat(t.writers()),
                      absl::StrCat(t.followers())});
      if (!t.waiting().empty()) {
        absl::StrAppend(&waits, "  ", shards[i], " ", name, ": ", t.waiting(), "\n");
      }
      absl::StrAppendFormat(&waits,
                            "  %s %s: writers waited %.1f s for samples, samplers %.1f s for "
                            "inserts, disk %.1f s\n",
                            shards[i], name, t.waits().writers_waiting_for_samples(),
                            t.waits().samplers_waiting_for_inserts(), t.waits().disk());
    }
  }
  std::printf("%s\nWaiting, so far:\n%s", FormatTable(rows).c_str(), waits.c_str());
  return first_error;
}

absl::Status PrintLearner(const std::string& address) {
  client::LearnerClient client(address);
  const absl::StatusOr<v1::LearnerStatus> answer = client.Status(kTimeout);
  if (!answer.ok()) {
    return process::Annotate(answer.status(), absl::StrCat("the learner at ", address));
  }
  const v1::LearnerStatus& s = *answer;
  std::string phase =
      absl::AsciiStrToLower(absl::StripPrefix(v1::LearnerPhase_Name(s.phase()), "LEARNER_PHASE_"));
  for (char& c : phase) c = c == '_' ? ' ' : c;
  std::printf("\nlearner of run %s: %s%s%s\n", s.run_id().c_str(), phase.c_str(),
              s.detail().empty() ? "" : ": ", s.detail().c_str());
  std::printf("  gradient steps     %s of %s, %s/s\n", WithCommas(s.gradient_steps()).c_str(),
              WithCommas(s.gradient_steps_total()).c_str(),
              Short(s.gradient_steps_per_second()).c_str());
  std::printf("  environment steps  %s of %s, %s/s\n", WithCommas(s.environment_steps()).c_str(),
              WithCommas(s.environment_steps_total()).c_str(),
              Short(s.environment_steps_per_second()).c_str());
  std::printf("  rows held          %s real, %s simulated\n", WithCommas(s.real_rows()).c_str(),
              WithCommas(s.sim_rows()).c_str());
  std::printf("  waited for rows    %.1f s\n", s.starved_seconds());
  std::printf("  policy version     %s\n", WithCommas(s.policy_version()).c_str());
  if (s.evaluated_version() > 0) {
    std::printf("  return             real %s, sim %s (version %s)\n",
                Short(s.real_return()).c_str(), Short(s.sim_return()).c_str(),
                WithCommas(s.evaluated_version()).c_str());
  }
  if (!s.metrics().empty()) {
    std::vector<std::vector<std::string>> rows = {{"metric", "newest"}};
    const std::map<std::string, double> sorted(s.metrics().begin(), s.metrics().end());
    for (const auto& [name, value] : sorted) rows.push_back({name, absl::StrFormat("%.5g", value)});
    std::printf("\n%s", FormatTable(rows).c_str());
  }
  return absl::OkStatus();
}

absl::Status Status(const Options& options) {
  if (options.replay.empty() && options.learner.empty()) {
    return absl::InvalidArgumentError(
        "--replay=ADDR,ADDR or --learner=ADDR is needed, or both: whom to ask");
  }
  absl::Status status;
  if (!options.replay.empty()) {
    ESTUARY_ASSIGN_OR_RETURN(const std::vector<std::string> shards,
                             client::ParseShards(options.replay));
    status = PrintShards(shards);
  }
  if (!options.learner.empty()) status.Update(PrintLearner(options.learner));
  return status;
}

}  // namespace

Command StatusCommand() {
  return {.name = "status",
          .arguments = "",
          .summary = "What a running cluster holds and does, and who waits on whom",
          .details = "`estuary train` prints the addresses of the cluster it starts.",
          .prepare = [](Flags& flags) -> Command::Run {
            auto options = std::make_shared<Options>();
            flags.Add("replay", &options->replay, "ADDR,ADDR", "the shard map");
            flags.Add("learner", &options->learner, "ADDR", "where the learner listens");
            return [options](const std::vector<std::string>&) { return Status(*options); };
          }};
}

}  // namespace estuary::cli
