// estuary dataset snapshot: a training's checkpoints as the recipe of a dataset.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/commands/commands.h"
#include "cli/progress/format.h"
#include "cli/recipe/recipe.h"
#include "cli/recipe/snapshots.h"
#include "cli/table/table.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

struct Options {
  std::string level;
  std::string output;
  std::string note;
  std::optional<uint64_t> at;
  std::optional<uint64_t> until;
  uint64_t transitions = 1'000'000;
  uint64_t seed = 1;
  bool overwrite = false;
};

void List(const std::vector<Snapshot>& snapshots) {
  std::vector<std::vector<std::string>> rows = {
      {"checkpoint", "gradient steps", "environment steps", "return in reality"}};
  for (const Snapshot& snapshot : snapshots) {
    rows.push_back(
        {absl::StrCat("step-", snapshot.gradient_steps), WithCommas(snapshot.gradient_steps),
         WithCommas(snapshot.environment_steps),
         snapshot.evaluation_return ? absl::StrFormat("%.0f", *snapshot.evaluation_return) : "-"});
  }
  std::fputs(FormatTable(rows).c_str(), stdout);
}

absl::StatusOr<size_t> Find(const std::vector<Snapshot>& snapshots, uint64_t gradient_steps) {
  std::string steps;
  for (size_t i = 0; i < snapshots.size(); ++i) {
    if (snapshots[i].gradient_steps == gradient_steps) return i;
    absl::StrAppend(&steps, i == 0 ? "" : ", ", snapshots[i].gradient_steps);
  }
  return absl::NotFoundError(absl::StrCat("the run has no checkpoint of ", gradient_steps,
                                          " gradient steps; it has: ", steps));
}

absl::Status Snap(const std::string& run, const Options& options) {
  ESTUARY_ASSIGN_OR_RETURN(const std::vector<Snapshot> snapshots, ReadSnapshots(run));
  if (options.level.empty() && !options.at && !options.until) {
    List(snapshots);
    return absl::OkStatus();
  }
  if (options.level.empty() || options.at.has_value() == options.until.has_value()) {
    return absl::InvalidArgumentError(
        "a recipe needs --level=NAME and either --at=STEP (one policy) or --until=STEP (the "
        "buffer); without any of them the checkpoints are listed");
  }
  const std::string folder = options.output.empty()
                                 ? absl::StrCat(kRecipesFolder, "/", snapshots[0].policy.task())
                                 : options.output;
  const std::string path = absl::StrCat(folder, "/", options.level, ".textproto");
  if (std::filesystem::exists(path) && !options.overwrite) {
    return absl::AlreadyExistsError(
        absl::StrCat("'", path, "' exists; --overwrite replaces it, --level names another"));
  }
  const SnapshotOptions snapshot = {
      .folder = folder, .level = options.level, .note = options.note, .seed = options.seed};
  ESTUARY_ASSIGN_OR_RETURN(const size_t place,
                           Find(snapshots, options.at ? *options.at : *options.until));
  ESTUARY_RETURN_IF_ERROR(options.at ? WriteLevel(snapshots[place], options.transitions, snapshot)
                                     : WriteReplay(run, snapshots, place, snapshot));
  ESTUARY_ASSIGN_OR_RETURN(const Recipe recipe, ReadRecipe(path));
  std::printf("%s: %s transitions in %d parts; `estuary dataset generate %s --seal` makes them\n",
              path.c_str(), WithCommas(recipe.rows()).c_str(), recipe.text.parts_size(),
              path.c_str());
  return absl::OkStatus();
}

}  // namespace

Command DatasetSnapshotCommand() {
  return {.name = "dataset snapshot",
          .arguments = "RUN",
          .summary = "Make a recipe for `dataset generate` from a training's checkpoints",
          .details =
              "Without --level: lists the checkpoints of the folder RUN with their returns.\n"
              "--at=STEP: a dataset of the policy of one checkpoint, as D4RL's medium and expert.\n"
              "--until=STEP: the buffer up to a checkpoint, as D4RL's medium-replay: each\n"
              "checkpoint's policy makes the rows between it and the next.\n"
              "Policies are rounded to bfloat16 and compressed; the rounded ones are what counts.",
          .prepare = [](Flags& flags) -> Command::Run {
            auto options = std::make_shared<Options>();
            flags.Add("level", &options->level, "NAME", "the recipe to write (medium, expert)");
            flags.Add("at", &options->at, "STEP", "the checkpoint of so many gradient steps");
            flags.Add("until", &options->until, "STEP", "all checkpoints up to this one");
            flags.Add("output", &options->output, "FOLDER",
                      "where to write (default experiments/datasets/TASK)");
            flags.Add("transitions", &options->transitions, "N", "rows, with --at");
            flags.Add("seed", &options->seed, "N", "of the first part; the next has the next");
            flags.Add("note", &options->note, "TEXT", "what the dataset is, for people");
            flags.Add("overwrite", &options->overwrite, "replace a recipe that exists");
            return [options](const std::vector<std::string>& arguments) {
              return Snap(arguments[0], *options);
            };
          }};
}

}  // namespace estuary::cli
