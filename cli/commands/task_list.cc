// estuary task list: the tasks there are.
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/commands/commands.h"
#include "cli/table/table.h"
#include "common/process/status.h"
#include "worlds/world.h"

namespace estuary::cli {
namespace {

absl::Status List() {
  std::vector<std::vector<std::string>> rows = {
      {"task", "observations", "actions", "period", "training episode", "evaluation"}};
  std::string observations;
  for (const std::string& name : worlds::TaskNames()) {
    ESTUARY_ASSIGN_OR_RETURN(const worlds::TaskSpec spec, worlds::FindTask(name));
    const auto length = [&](int steps) {
      return absl::StrFormat("%g s", steps * spec.control_period);
    };
    rows.push_back({name, absl::StrCat(spec.observation_dim), absl::StrCat(spec.action_dim),
                    absl::StrFormat("%g ms", 1000 * spec.control_period),
                    length(spec.training_steps), length(spec.evaluation_steps)});
    absl::StrAppend(&observations, "\n", name, " observes ",
                    absl::StrJoin(spec.observation_names, ", "), "\n");
  }
  std::printf("%s%s", FormatTable(rows).c_str(), observations.c_str());
  return absl::OkStatus();
}

}  // namespace

Command TaskListCommand() {
  return {.name = "task list",
          .arguments = "",
          .summary = "The tasks that can be trained",
          .details = "",
          .prepare = [](Flags&) -> Command::Run {
            return [](const std::vector<std::string>&) { return List(); };
          }};
}

}  // namespace estuary::cli
