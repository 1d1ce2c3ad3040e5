// estuary evaluate: episodes of a policy in either dynamics.
#include "cli/evaluation/evaluate.h"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/commands/commands.h"
#include "cli/table/table.h"
#include "common/experiment/experiment.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

struct Options {
  std::string task;
  std::string dynamics = "real";
  std::string experiment;
  uint64_t episodes = 10;
  uint64_t seed = 1;
};

std::string Number(double value) { return absl::StrFormat("%.4g", value); }

void Print(const std::vector<worlds::EpisodeResult>& episodes, const worlds::TaskSpec& task) {
  const EvaluationSummary summary = Summarize(episodes, task.control_period);
  std::vector<std::vector<std::string>> rows = {{"episode", "return", "seconds", "end"}};
  for (const auto& [name, mean] : summary.figures) rows[0].push_back(name);
  for (size_t i = 0; i < episodes.size(); ++i) {
    const worlds::EpisodeResult& episode = episodes[i];
    rows.push_back({absl::StrCat(i + 1), absl::StrFormat("%.1f", episode.total_reward),
                    absl::StrFormat("%.2f", episode.steps * task.control_period),
                    EpisodeEnd(episode, task)});
    for (const auto& [name, mean] : summary.figures) {
      const auto figure = episode.figures.find(name);
      rows.back().push_back(figure == episode.figures.end() ? "" : Number(figure->second));
    }
  }
  rows.push_back({"mean", absl::StrFormat("%.1f", summary.mean_return),
                  absl::StrFormat("%.2f", summary.mean_seconds),
                  absl::StrCat(summary.terminated, " fell")});
  for (const auto& [name, mean] : summary.figures) rows.back().push_back(Number(mean));
  std::fputs(FormatTable(rows).c_str(), stdout);
}

absl::Status RunEvaluate(const std::string& path, const Options& options) {
  if (options.dynamics != "real" && options.dynamics != "sim") {
    return absl::InvalidArgumentError(
        absl::StrCat("--dynamics is '", options.dynamics, "'; it may be real or sim"));
  }
  if (options.episodes == 0 || options.episodes > 1'000'000) {
    return absl::InvalidArgumentError(
        absl::StrCat("--episodes is ", options.episodes, "; it may be 1 to 1,000,000"));
  }
  ESTUARY_ASSIGN_OR_RETURN(const auto policy, LoadPolicy(path));
  ESTUARY_ASSIGN_OR_RETURN(const worlds::TaskSpec task, TaskOf(*policy, options.task));
  EvaluateOptions evaluate{
      .task = task.name,
      .dynamics = options.dynamics == "real" ? worlds::Dynamics::kReal : worlds::Dynamics::kSim,
      .gap = {},
      .episodes = static_cast<int>(options.episodes),
      .seed = options.seed};
  if (!options.experiment.empty()) {
    ESTUARY_ASSIGN_OR_RETURN(const v1::Experiment experiment,
                             experiment::ReadExperiment(options.experiment));
    evaluate.gap = experiment.gap();
  }
  ESTUARY_ASSIGN_OR_RETURN(const auto episodes, Evaluate(*policy, evaluate));
  std::printf("%s (version %llu of run %s) on %s, %s dynamics, seed %llu\n\n", path.c_str(),
              static_cast<unsigned long long>(policy->version()), policy->run_id().c_str(),
              task.name.c_str(), options.dynamics.c_str(),
              static_cast<unsigned long long>(options.seed));
  Print(episodes, task);
  return absl::OkStatus();
}

}  // namespace

Command EvaluateCommand() {
  return {.name = "evaluate",
          .arguments = "POLICY",
          .summary = "Run episodes of a policy on the real or the simulated dynamics",
          .details =
              "POLICY is a file final_policy.pb. Episodes follow the task's evaluation protocol\n"
              "with the deterministic policy; the same seed gives every policy the same starts.",
          .prepare = [](Flags& flags) -> Command::Run {
            auto options = std::make_shared<Options>();
            flags.Add("task", &options->task, "TASK", "(default: the policy's own)");
            flags.Add("dynamics", &options->dynamics, "real|sim", "which of the two");
            flags.Add("experiment", &options->experiment, "FILE",
                      "whose gap the simulated dynamics have (default: the task's own)");
            flags.Add("episodes", &options->episodes, "N", "how many");
            flags.Add("seed", &options->seed, "N", "of the starts");
            return [options](const std::vector<std::string>& arguments) {
              return RunEvaluate(arguments[0], *options);
            };
          }};
}

}  // namespace estuary::cli
