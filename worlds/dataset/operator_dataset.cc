#include "worlds/dataset/operator_dataset.h"

#include "absl/strings/str_cat.h"
#include "worlds/task.h"

namespace estuary::worlds {
namespace {

// The columns stay in memory until they are written.
constexpr uint64_t kMaxTransitions = 50'000'000;

}  // namespace

absl::StatusOr<DatasetColumns> GenerateOperatorDataset(const std::string& task,
                                                       uint64_t transitions, uint64_t seed) {
  const absl::StatusOr<const Task*> found = FindTaskByName(task);
  if (!found.ok()) return found.status();
  absl::StatusOr<std::unique_ptr<OperatorSession>> session = (*found)->MakeOperatorSession();
  if (!session.ok()) return session.status();
  if (transitions < 1 || transitions > kMaxTransitions) {
    return absl::InvalidArgumentError(absl::StrCat("a dataset has between 1 and ", kMaxTransitions,
                                                   " transitions, not ", transitions));
  }
  const TaskSpec& spec = (*found)->spec();
  DatasetColumns columns;
  columns.observation_dim = spec.observation_dim;
  columns.action_dim = spec.action_dim;
  columns.observation.reserve(transitions * spec.observation_dim);
  columns.next_observation.reserve(transitions * spec.observation_dim);
  columns.action.reserve(transitions * spec.action_dim);

  Random random(seed);
  std::vector<double> observation(spec.observation_dim);
  std::vector<float> action(spec.action_dim);
  bool starts = true;
  for (uint64_t i = 0; i < transitions; ++i) {
    if (starts) (*session)->Start(random, absl::MakeSpan(observation));
    columns.observation.insert(columns.observation.end(), observation.begin(), observation.end());
    const StepResult result =
        (*session)->Step(random, absl::MakeSpan(action), absl::MakeSpan(observation));
    columns.action.insert(columns.action.end(), action.begin(), action.end());
    columns.reward.push_back(static_cast<float>(result.reward));
    columns.next_observation.insert(columns.next_observation.end(), observation.begin(),
                                    observation.end());
    columns.terminal.push_back(result.terminated);
    columns.timeout.push_back(!result.terminated && (result.truncated || i + 1 == transitions));
    starts = result.terminated || result.truncated;
  }
  return columns;
}

}  // namespace estuary::worlds
