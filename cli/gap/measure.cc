#include "cli/gap/measure.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "cli/cluster/child.h"
#include "cli/gap/gap_data.h"
#include "common/dataset/dataset.h"
#include "common/hdf5/file.h"
#include "common/policy/policy.h"
#include "common/process/files.h"
#include "common/process/shutdown.h"
#include "common/process/status.h"
#include "estuary/v1/learner.pb.h"
#include "worlds/episode.h"
#include "worlds/world.h"

namespace estuary::cli {
namespace {

namespace fs = std::filesystem;

constexpr char kCheckpoint[] = "step-";
constexpr absl::Duration kMeasuring = absl::Minutes(10);
// The dataset's rows are read in so many pieces, spread over all of it.
constexpr uint64_t kPieces = 32;

struct Rows {
  int observation_dim = 0;
  int action_dim = 0;
  std::vector<float> observations, actions, next_observations;

  uint64_t size() const { return action_dim == 0 ? 0 : actions.size() / action_dim; }
};

// What the actors explored with when a checkpoint was written, by its step.
absl::StatusOr<std::map<uint64_t, v1::PolicyVersion>> ReadPolicies(const std::string& run_dir) {
  std::map<uint64_t, v1::PolicyVersion> policies;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(run_dir + "/checkpoints", error)) {
    const std::string name = entry.path().filename().string();
    uint64_t step = 0;
    if (!absl::StartsWith(name, kCheckpoint) ||
        !absl::SimpleAtoi(absl::StripPrefix(name, kCheckpoint), &step)) {
      continue;
    }
    const std::string path = entry.path().string() + "/policy_update.pb";
    ESTUARY_ASSIGN_OR_RETURN(const std::string bytes, process::ReadFile(path));
    v1::PolicyUpdate update;
    if (!update.ParseFromString(bytes)) {
      return absl::DataLossError(absl::StrCat("'", path, "' is no policy update"));
    }
    // At the first checkpoint of a run that begins with random actions.
    if (!update.has_policy()) continue;
    policies[step] =
        update.has_exploration_policy() ? update.exploration_policy() : update.policy();
  }
  if (policies.empty()) {
    return absl::NotFoundError(absl::StrCat("'", run_dir, "' has no checkpoints to measure with"));
  }
  return policies;
}

absl::Status Explore(const v1::PolicyVersion& version, const v1::Experiment& experiment,
                     uint64_t transitions, Rows& rows) {
  ESTUARY_ASSIGN_OR_RETURN(const auto policy, policy::Policy::FromProto(version));
  ESTUARY_ASSIGN_OR_RETURN(const auto world,
                           worlds::MakeWorld({.task = experiment.task(), .gap = experiment.gap()}));
  rows.observation_dim = world->spec().observation_dim;
  rows.action_dim = world->spec().action_dim;
  ESTUARY_RETURN_IF_ERROR(
      policy->CheckFits(experiment.task(), rows.observation_dim, rows.action_dim));
  policy::Policy::Workspace workspace(*policy, /*rows=*/1);
  worlds::Random random(experiment.seed(), policy->version());
  std::vector<float> noise(rows.action_dim);
  const uint64_t end = rows.size() + transitions;
  while (rows.size() < end) {
    if (process::ShutdownRequested()) return absl::CancelledError("stopped");
    worlds::RunEpisode(
        *world, worlds::EpisodeKind::kTraining,
        [&](absl::Span<const float> observation, absl::Span<float> action) {
          for (float& number : noise) number = static_cast<float>(random.Normal());
          policy->ActStochastic(observation, noise, /*rows=*/1, workspace, action);
        },
        random,
        [&](const worlds::EpisodeStep& step) {
          if (step.result.diverged || rows.size() >= end) return;
          const auto append = [](const auto& from, std::vector<float>& to) {
            to.insert(to.end(), from.begin(), from.end());
          };
          append(step.observation, rows.observations);
          append(step.action, rows.actions);
          append(step.next_observation, rows.next_observations);
        });
  }
  return absl::OkStatus();
}

absl::Status AddRecorded(const v1::Dataset& dataset, uint64_t count, Rows& rows) {
  ESTUARY_ASSIGN_OR_RETURN(const dataset::Reader reader, dataset::Reader::Open(dataset.path()));
  // Of chosen episodes it was as likely to be any other: look at all.
  const bool all = !dataset.has_transitions() || dataset.choice() == v1::Dataset::EPISODES;
  const uint64_t used =
      all ? reader.info().rows : std::min<uint64_t>(dataset.transitions(), reader.info().rows);
  const uint64_t piece = std::max<uint64_t>(1, std::min(count, used) / kPieces);
  dataset::Batch batch;
  for (uint64_t i = 0; i < kPieces && piece <= used; ++i) {
    const uint64_t first = (used - piece) * i / (kPieces - 1);
    ESTUARY_RETURN_IF_ERROR(reader.Read(first, piece, batch));
    const auto append = [](const std::vector<float>& from, std::vector<float>& to) {
      to.insert(to.end(), from.begin(), from.end());
    };
    append(batch.observations, rows.observations);
    append(batch.actions, rows.actions);
    append(batch.next_observations, rows.next_observations);
  }
  return absl::OkStatus();
}

absl::Status Write(const Rows& rows, uint64_t simulated, const std::string& path) {
  ESTUARY_ASSIGN_OR_RETURN(hdf5::File file, hdf5::File::Create(path));
  const uint64_t n = rows.size();
  const uint64_t observation_dim = rows.observation_dim, action_dim = rows.action_dim;
  ESTUARY_RETURN_IF_ERROR(
      file.Write<float>("/observations", {n, observation_dim}, rows.observations));
  ESTUARY_RETURN_IF_ERROR(file.Write<float>("/actions", {n, action_dim}, rows.actions));
  ESTUARY_RETURN_IF_ERROR(
      file.Write<float>("/next_observations", {n, observation_dim}, rows.next_observations));
  ESTUARY_RETURN_IF_ERROR(file.SetAttribute("/", "simulated", simulated));
  return file.Close();
}

bool TellsDynamicsApart(const v1::Algorithm& algorithm) {
  return algorithm.critic_weight() == v1::Algorithm::DYNAMICS_RATIO ||
         algorithm.reward_shaping() == v1::Algorithm::DYNAMICS_LOG_RATIO ||
         (algorithm.gap_weight() != v1::Algorithm::UNIFORM &&
          algorithm.gap_weight() != v1::Algorithm::GAP_WEIGHT_UNSPECIFIED);
}

}  // namespace

absl::Status MeasureRunGap(const std::string& run_dir, const v1::Experiment& experiment,
                           uint64_t transitions) {
  const std::string path = absl::StrCat(run_dir, "/", kGapFile);
  std::error_code error;
  if (!TellsDynamicsApart(experiment.algorithm()) || fs::exists(path, error)) {
    return absl::OkStatus();
  }
  ESTUARY_ASSIGN_OR_RETURN(const auto policies, ReadPolicies(run_dir));
  Rows rows;
  for (const auto& [step, version] : policies) {
    ESTUARY_RETURN_IF_ERROR(Explore(version, experiment, transitions, rows));
  }
  const uint64_t simulated = rows.size();
  ESTUARY_RETURN_IF_ERROR(AddRecorded(experiment.dataset(), simulated, rows));
  const std::string partial = path + ".partial";
  ESTUARY_RETURN_IF_ERROR(Write(rows, simulated, partial));
  const std::string log = run_dir + "/logs/gap.log";
  ESTUARY_RETURN_IF_ERROR(process::CreateDirectories(run_dir + "/logs"));
  ESTUARY_ASSIGN_OR_RETURN(const auto child, Child::Start({SiblingBinary("estuary-learner"),
                                                           absl::StrCat("--run_dir=", run_dir),
                                                           absl::StrCat("--measure_gap=", partial)},
                                                          log));
  const std::optional<ChildExit> exit = child->Wait(kMeasuring);
  if (!exit || !exit->ok()) {
    return absl::InternalError(absl::StrCat("the gap of ", run_dir, " could not be measured (",
                                            exit ? exit->ToString() : "it took too long",
                                            "): ", LogTail(log, 3)));
  }
  if (std::rename(partial.c_str(), path.c_str()) != 0) {
    return process::ErrnoStatus(errno, absl::StrCat("cannot rename '", partial, "'"));
  }
  return absl::OkStatus();
}

}  // namespace estuary::cli
