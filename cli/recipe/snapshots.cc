#include "cli/recipe/snapshots.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "cli/recipe/recipe_file.h"
#include "cli/report/run_data.h"
#include "common/policy/bfloat16.h"
#include "common/policy/policy.h"
#include "common/process/files.h"
#include "common/process/status.h"
#include "estuary/v1/dataset.pb.h"
#include "estuary/v1/learner.pb.h"
#include "worlds/world.h"

namespace estuary::cli {
namespace {

namespace fs = std::filesystem;

// As the learner names them: checkpoints/step-N, and in it the v1::PolicyUpdate it published.
constexpr char kCheckpoints[] = "checkpoints";
constexpr char kCheckpointPrefix[] = "step-";
constexpr char kPolicyUpdateFile[] = "policy_update.pb";
constexpr char kPolicies[] = "policies";

// What actors explored with.
absl::StatusOr<v1::PolicyVersion> ReadExplorer(const std::string& checkpoint) {
  const std::string path = absl::StrCat(checkpoint, "/", kPolicyUpdateFile);
  ESTUARY_ASSIGN_OR_RETURN(const std::string content, process::ReadFile(path));
  v1::PolicyUpdate update;
  if (!update.ParseFromString(content) || !update.has_policy()) {
    return absl::InvalidArgumentError(absl::StrCat("'", path, "' holds no policy"));
  }
  const v1::PolicyVersion& explorer =
      update.has_exploration_policy() ? update.exploration_policy() : update.policy();
  ESTUARY_RETURN_IF_ERROR(process::Annotate(policy::Policy::FromProto(explorer).status(), path));
  return explorer;
}

// Rounds to bfloat16 and writes; gives the recipe's part but for its rows and seed.
absl::StatusOr<v1::DatasetPart> WriteSnapshot(const Snapshot& snapshot, const std::string& folder) {
  v1::DatasetPart part;
  part.set_policy(absl::StrCat(kPolicies, "/", snapshot.policy.run_id(), "-",
                               snapshot.gradient_steps, ".pb.gz"));
  if (snapshot.evaluation_return) {
    part.set_evaluation_return(std::round(*snapshot.evaluation_return * 10) / 10);
  }
  ESTUARY_RETURN_IF_ERROR(process::CreateDirectories(absl::StrCat(folder, "/", kPolicies)));
  ESTUARY_RETURN_IF_ERROR(policy::WritePolicyFile(absl::StrCat(folder, "/", part.policy()),
                                                  policy::RoundToBfloat16(snapshot.policy)));
  return part;
}

absl::Status WriteLevelRecipe(v1::DatasetRecipe recipe, const std::string& task,
                              const SnapshotOptions& options) {
  recipe.set_task(task);
  recipe.set_note(options.note);
  return WriteRecipe(absl::StrCat(options.folder, "/", options.level, ".textproto"), recipe);
}

}  // namespace

absl::StatusOr<std::vector<Snapshot>> ReadSnapshots(const std::string& run) {
  ESTUARY_ASSIGN_OR_RETURN(const RunData data, ReadRun(run));
  std::vector<Snapshot> snapshots;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(absl::StrCat(run, "/", kCheckpoints), error)) {
    const std::string name = entry.path().filename().string();
    absl::string_view number = name;
    Snapshot snapshot;
    if (!absl::ConsumePrefix(&number, kCheckpointPrefix) ||
        !absl::SimpleAtoi(number, &snapshot.gradient_steps)) {
      continue;
    }
    ESTUARY_ASSIGN_OR_RETURN(snapshot.policy, ReadExplorer(entry.path().string()));
    snapshot.environment_steps = snapshot.policy.environment_steps();
    for (const EvaluationPoint& point : data.evaluations) {
      if (point.dynamics == "real" && point.policy_version == snapshot.policy.version()) {
        snapshot.evaluation_return = point.MeanReturn();
      }
    }
    snapshots.push_back(std::move(snapshot));
  }
  if (snapshots.empty()) {
    return absl::NotFoundError(
        absl::StrCat("'", run,
                     "' holds no checkpoints; budget.checkpoint_every and checkpoints_kept of an "
                     "experiment say how many a training leaves"));
  }
  std::sort(snapshots.begin(), snapshots.end(), [](const Snapshot& a, const Snapshot& b) {
    return a.gradient_steps < b.gradient_steps;
  });
  return snapshots;
}

absl::Status WriteLevel(const Snapshot& snapshot, uint64_t rows, const SnapshotOptions& options) {
  v1::DatasetRecipe recipe;
  ESTUARY_ASSIGN_OR_RETURN(v1::DatasetPart part, WriteSnapshot(snapshot, options.folder));
  part.set_rows(rows);
  part.set_seed(options.seed);
  *recipe.add_parts() = std::move(part);
  return WriteLevelRecipe(std::move(recipe), snapshot.policy.task(), options);
}

absl::Status WriteReplay(const std::string& run, const std::vector<Snapshot>& snapshots,
                         size_t last, const SnapshotOptions& options) {
  ESTUARY_ASSIGN_OR_RETURN(const RunData data, ReadRun(run));
  ESTUARY_ASSIGN_OR_RETURN(const worlds::TaskSpec task, worlds::FindTask(data.experiment.task()));
  const auto episode = static_cast<uint64_t>(task.training_steps);
  const auto whole = [&](uint64_t rows) { return (rows + episode / 2) / episode * episode; };
  v1::DatasetRecipe recipe;
  uint64_t rows = whole(data.experiment.exploration().random_steps());
  uint64_t seed = options.seed;
  if (rows > 0) {
    v1::DatasetPart& random = *recipe.add_parts();
    random.set_rows(rows);
    random.set_seed(seed++);
  }
  // The last one's own rows would be those after the buffer.
  for (size_t i = 0; i < last; ++i) {
    const uint64_t end = whole(snapshots[i + 1].environment_steps);
    if (end <= rows) continue;
    ESTUARY_ASSIGN_OR_RETURN(v1::DatasetPart part, WriteSnapshot(snapshots[i], options.folder));
    part.set_rows(end - rows);
    part.set_seed(seed++);
    *recipe.add_parts() = std::move(part);
    rows = end;
  }
  if (rows == 0) {
    return absl::InvalidArgumentError(absl::StrCat("'", run,
                                                   "' has made less than half an episode of ",
                                                   episode, " steps until that checkpoint"));
  }
  return WriteLevelRecipe(std::move(recipe), task.name, options);
}

}  // namespace estuary::cli
