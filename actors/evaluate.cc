#include "actors/evaluate.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "actors/actor_metrics.h"
#include "actors/episodes.h"
#include "actors/seed.h"
#include "common/client/learner_subscriber.h"
#include "common/process/log.h"
#include "common/process/metrics_server.h"
#include "common/process/shutdown.h"
#include "common/process/status.h"

namespace estuary::actor {
namespace {

constexpr int kMostWorlds = 64;
constexpr absl::Duration kReportPatience = absl::Minutes(2);
constexpr absl::Duration kWord = absl::Minutes(1);

// The worlds and the number of episodes of one dynamics.
struct Arena {
  std::string name;
  int episodes = 0;
  std::vector<std::unique_ptr<worlds::World>> worlds;
};

absl::StatusOr<Arena> MakeArena(const Setup& setup, worlds::Dynamics dynamics) {
  const bool real = dynamics == worlds::Dynamics::kReal;
  const v1::Evaluation& evaluation = setup.experiment.evaluation();
  Arena arena{
      .name = real ? "real" : "sim",
      .episodes = static_cast<int>(real ? evaluation.episodes() : evaluation.sim_episodes()),
      .worlds = {}};
  const int worlds = std::clamp(arena.episodes, 1, kMostWorlds);
  ESTUARY_ASSIGN_OR_RETURN(arena.worlds, MakeWorlds(setup, dynamics, worlds, /*index=*/0));
  return arena;
}

absl::Status EvaluateIn(const Arena& arena, const Setup& setup, const policy::Policy& policy,
                        client::LearnerClient& learner, EvaluatorMetrics& metrics) {
  if (arena.episodes == 0) return absl::OkStatus();
  const absl::Time start = absl::Now();
  const uint64_t seed =
      MixSeed({setup.experiment.seed(), static_cast<uint64_t>(SeedUse::kEvaluation),
               policy.version(), arena.name == "real" ? 1u : 2u});
  ESTUARY_ASSIGN_OR_RETURN(std::vector<v1::Episode> episodes,
                           RunEpisodes(policy, arena.worlds, arena.episodes, seed,
                                       [] { return process::ShutdownRequested(); }));
  v1::ReportEvaluationRequest report;
  report.set_policy_version(policy.version());
  report.set_dynamics(arena.name);
  uint64_t steps = 0;
  double sum = 0;
  for (v1::Episode& episode : episodes) {
    steps += episode.steps();
    sum += episode.episode_return();
    *report.add_episodes() = std::move(episode);
  }
  const double mean_return = sum / static_cast<double>(episodes.size());
  metrics.AddEvaluation(arena.name, episodes.size(), steps, mean_return);
  spdlog::info("version {} on {} dynamics: mean return {:.3f} over {} episodes, {} steps, {}",
               policy.version(), arena.name, mean_return, episodes.size(), steps,
               absl::FormatDuration(absl::Trunc(absl::Now() - start, absl::Milliseconds(1))));
  const absl::Status reported = learner.ReportEvaluation(report, kReportPatience);
  if (absl::IsInvalidArgument(reported) || absl::IsNotFound(reported)) {
    spdlog::warn("{}", std::string(reported.message()));
    return absl::OkStatus();
  }
  return reported;
}

// Waits for the next update; null on shutdown.
absl::StatusOr<client::LearnerSubscriber::Update> NextUpdate(client::LearnerSubscriber& subscriber,
                                                             const std::string& learner) {
  absl::Time next_word = absl::Now() + absl::Seconds(5);
  while (!process::ShutdownRequested()) {
    if (auto update = subscriber.Next(absl::Milliseconds(200)); update != nullptr) return update;
    ESTUARY_RETURN_IF_ERROR(subscriber.status());
    if (absl::Now() >= next_word) {
      spdlog::info("waiting for the learner at {} to give a version to evaluate", learner);
      next_word = absl::Now() + kWord;
    }
  }
  return client::LearnerSubscriber::Update();
}

absl::Status Evaluate(const ActorOptions& options) {
  process::Metrics registry;
  EvaluatorMetrics metrics(registry);
  ESTUARY_ASSIGN_OR_RETURN(const auto metrics_server,
                           process::MetricsServer::Start(options.metrics, registry));
  client::LearnerClient learner(options.learner);
  ESTUARY_ASSIGN_OR_RETURN(const Setup setup, Prepare(learner, options.patience));
  std::vector<Arena> arenas(2);
  ESTUARY_ASSIGN_OR_RETURN(arenas[0], MakeArena(setup, worlds::Dynamics::kReal));
  ESTUARY_ASSIGN_OR_RETURN(arenas[1], MakeArena(setup, worlds::Dynamics::kSim));
  client::LearnerSubscriber subscriber(
      {.address = options.learner,
       .subscriber = absl::StrCat("evaluator-", options.identity.index),
       .evaluations = true});
  uint64_t evaluated_version = 0;
  while (true) {
    ESTUARY_ASSIGN_OR_RETURN(const client::LearnerSubscriber::Update update,
                             NextUpdate(subscriber, options.learner));
    if (update == nullptr) return absl::OkStatus();
    // The final update repeats a version whose report is in: the learner does not wait for another.
    const bool repeated = update->final() && update->policy().version() == evaluated_version;
    if (update->has_policy() && !repeated) {
      ESTUARY_ASSIGN_OR_RETURN(const auto policy,
                               LoadPolicy(update->policy(), setup.run_id, setup.schema));
      metrics.SetPolicy(policy->version());
      for (const Arena& arena : arenas) {
        ESTUARY_RETURN_IF_ERROR(EvaluateIn(arena, setup, *policy, learner, metrics));
      }
      evaluated_version = policy->version();
    }
    if (update->final()) {
      spdlog::info("training has ended");
      return absl::OkStatus();
    }
  }
}

}  // namespace

absl::Status RunEvaluate(const ActorOptions& options) { return StoppedIsFine(Evaluate(options)); }

}  // namespace estuary::actor
