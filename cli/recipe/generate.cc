#include "cli/recipe/generate.h"

#include <algorithm>
#include <map>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "common/process/shutdown.h"
#include "common/process/status.h"
#include "worlds/episode.h"

namespace estuary::cli {
namespace {

using worlds::DatasetColumns;

constexpr uint64_t kMostThreads = 256;

// Makes room for `rows` rows, all zero.
DatasetColumns MakeColumns(const worlds::TaskSpec& task, uint64_t rows) {
  DatasetColumns columns;
  columns.observation_dim = task.observation_dim;
  columns.action_dim = task.action_dim;
  columns.observation.resize(rows * task.observation_dim);
  columns.next_observation.resize(rows * task.observation_dim);
  columns.action.resize(rows * task.action_dim);
  columns.reward.resize(rows);
  columns.terminal.resize(rows);
  columns.timeout.resize(rows);
  return columns;
}

template <typename T>
void CopyRows(const std::vector<T>& from, size_t width, uint64_t count, uint64_t at,
              std::vector<T>& to) {
  std::copy_n(from.begin(), count * width, to.begin() + at * width);
}

// The first `count` rows of an episode, to `to` from row `at` on; ended there, however it went on.
void CopyEpisode(const DatasetColumns& from, uint64_t count, uint64_t at, DatasetColumns& to) {
  CopyRows(from.observation, from.observation_dim, count, at, to.observation);
  CopyRows(from.action, from.action_dim, count, at, to.action);
  CopyRows(from.reward, 1, count, at, to.reward);
  CopyRows(from.next_observation, from.observation_dim, count, at, to.next_observation);
  CopyRows(from.terminal, 1, count, at, to.terminal);
  if (count > 0) to.timeout[at + count - 1] = to.terminal[at + count - 1] == 0;
}

DatasetColumns MakeEpisode(worlds::World& world, const RecipePart& part, uint64_t episode) {
  const worlds::TaskSpec& task = world.spec();
  worlds::Random random(part.seed, episode);
  std::vector<float> noise(task.action_dim);
  std::unique_ptr<policy::Policy::Workspace> workspace;
  if (part.policy != nullptr) {
    workspace = std::make_unique<policy::Policy::Workspace>(*part.policy, 1);
  }
  const auto act = [&](absl::Span<const float> observation, absl::Span<float> action) {
    if (part.policy == nullptr) {
      for (float& value : action) value = static_cast<float>(random.Uniform(-1, 1));
      return;
    }
    for (float& value : noise) value = static_cast<float>(random.Normal());
    part.policy->ActStochastic(observation, noise, 1, *workspace, action);
  };
  DatasetColumns rows = MakeColumns(task, 0);
  worlds::RunEpisode(world, worlds::EpisodeKind::kTraining, act, random,
                     [&](const worlds::EpisodeStep& step) {
                       if (step.result.diverged) return;
                       const auto add = [](auto& values, const auto& more) {
                         values.insert(values.end(), more.begin(), more.end());
                       };
                       add(rows.observation, step.observation);
                       add(rows.action, step.action);
                       add(rows.next_observation, step.next_observation);
                       rows.reward.push_back(static_cast<float>(step.result.reward));
                       rows.terminal.push_back(step.result.terminated);
                     });
  return rows;
}

// Hands out episodes to threads and puts what they bring into its place.
class Schedule {
 public:
  Schedule(const Recipe& recipe, uint64_t rows)
      : longest_episode_(recipe.task.training_steps), columns_(MakeColumns(recipe.task, rows)) {
    uint64_t first = 0;
    for (const RecipePart& part : recipe.parts) {
      const uint64_t count = std::min(part.rows, rows - first);
      if (count == 0) break;
      parts_.push_back({.part = &part, .first = first, .rows = count});
      first += count;
    }
  }

  struct Job {
    const RecipePart* part;
    size_t place;
    uint64_t episode;
  };

  // False where all is done, or asked to stop.
  bool Next(Job& job) {
    const absl::MutexLock lock(&mutex_);
    while (!process::ShutdownRequested()) {
      bool done = true;
      for (size_t i = 0; i < parts_.size(); ++i) {
        Place& place = parts_[i];
        if (place.committed == place.rows) continue;
        done = false;
        // As many episodes as it takes where all are as long as they may be; more, once some were
        // not.
        if (place.made + place.running * longest_episode_ >= place.rows) continue;
        ++place.running;
        job = {.part = place.part, .place = i, .episode = place.next_episode++};
        return true;
      }
      if (done) return false;
      changed_.WaitWithTimeout(&mutex_, absl::Milliseconds(100));
    }
    return false;
  }

  // Rows that are in their place.
  uint64_t Bring(const Job& job, DatasetColumns episode) {
    const absl::MutexLock lock(&mutex_);
    Place& place = parts_[job.place];
    --place.running;
    place.made += episode.size();
    place.early.emplace(job.episode, std::move(episode));
    for (auto next = place.early.begin();
         next != place.early.end() && next->first == place.next_commit;
         next = place.early.erase(next), ++place.next_commit) {
      const uint64_t count = std::min(next->second.size(), place.rows - place.committed);
      CopyEpisode(next->second, count, place.first + place.committed, columns_);
      place.committed += count;
      committed_ += count;
    }
    changed_.SignalAll();
    return committed_;
  }

  // Once no thread is left.
  absl::StatusOr<DatasetColumns> Take() {
    const absl::MutexLock lock(&mutex_);
    if (committed_ < columns_.size()) {
      return absl::CancelledError(absl::StrCat("stopped at ", committed_, " of ", columns_.size(),
                                               " rows; nothing is written"));
    }
    return std::move(columns_);
  }

 private:
  struct Place {
    const RecipePart* part;
    uint64_t first;
    uint64_t rows;
    uint64_t next_episode = 0;
    uint64_t running = 0;
    // Rows of all finished episodes, and those in the columns.
    uint64_t made = 0;
    uint64_t committed = 0;
    uint64_t next_commit = 0;
    // Finished before an earlier one.
    std::map<uint64_t, DatasetColumns> early = {};
  };

  const uint64_t longest_episode_;
  absl::Mutex mutex_;
  absl::CondVar changed_;
  std::vector<Place> parts_ ABSL_GUARDED_BY(mutex_);
  uint64_t committed_ ABSL_GUARDED_BY(mutex_) = 0;
  DatasetColumns columns_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<DatasetColumns> Generate(const Recipe& recipe, const GenerateOptions& options,
                                        const GenerateProgress& progress) {
  if (options.rows > recipe.rows()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the recipe ", recipe.name, " makes ", recipe.rows(), " transitions, not ", options.rows));
  }
  if (options.threads > kMostThreads) {
    return absl::InvalidArgumentError(absl::StrCat("--threads is ", options.threads,
                                                   "; it may be 1 to ", kMostThreads,
                                                   ", or 0 for one a processor"));
  }
  const uint64_t processors = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::unique_ptr<worlds::World>> worlds(
      options.threads == 0 ? std::min(processors, kMostThreads) : options.threads);
  for (auto& world : worlds) {
    ESTUARY_ASSIGN_OR_RETURN(
        world, worlds::MakeWorld({.task = recipe.task.name, .dynamics = worlds::Dynamics::kReal}));
  }
  Schedule schedule(recipe, options.rows == 0 ? recipe.rows() : options.rows);
  std::vector<std::thread> threads;
  for (auto& world : worlds) {
    threads.emplace_back([&] {
      Schedule::Job job;
      while (schedule.Next(job)) {
        const uint64_t rows = schedule.Bring(job, MakeEpisode(*world, *job.part, job.episode));
        if (progress != nullptr) progress(rows);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return schedule.Take();
}

}  // namespace estuary::cli
