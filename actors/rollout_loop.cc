#include "actors/rollout_loop.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/time/clock.h"
#include "actors/seed.h"
#include "common/process/log.h"
#include "common/process/status.h"

namespace estuary::actor {
namespace {

constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();
constexpr absl::Duration kWord = absl::Seconds(5);
constexpr absl::Duration kRoomPoll = absl::Milliseconds(1);
constexpr absl::Duration kStopPoll = absl::Milliseconds(50);

bool AllFinite(absl::Span<const float> values) {
  // 0 where all are finite, NaN otherwise; without a branch in the loop.
  float probe = 0;
  for (const float value : values) probe += value * 0.0f;
  return probe == 0;
}

void ToFloats(absl::Span<const double> from, absl::Span<float> to) {
  for (size_t i = 0; i < to.size(); ++i) to[i] = static_cast<float>(from[i]);
}

}  // namespace

RolloutLoop::RolloutLoop(RolloutConfig config, const transition::Schema& schema,
                         std::vector<std::unique_ptr<worlds::World>> worlds, PolicyInbox& inbox,
                         RowSink& sink, ActorMetrics& metrics)
    : config_(std::move(config)),
      worlds_(std::move(worlds)),
      observation_dim_(schema.observation_dim()),
      action_dim_(schema.action_dim()),
      inbox_(inbox),
      sink_(sink),
      metrics_(metrics),
      sequence_(config_.first_sequence),
      limit_(0),
      next_episode_(static_cast<uint32_t>(config_.first_sequence)),
      exploration_(static_cast<int>(worlds_.size()), action_dim_, config_.noise_correlation,
                   MixSeed({config_.seed, static_cast<uint64_t>(SeedUse::kExploration),
                            static_cast<uint64_t>(config_.index), config_.first_sequence})),
      episodes_(worlds_.size()),
      numbered_(worlds_.size()),
      returns_(worlds_.size()),
      lengths_(worlds_.size()),
      observations_(worlds_.size() * observation_dim_),
      actions_(worlds_.size() * action_dim_),
      observation_(observation_dim_),
      action_(action_dim_),
      next_observation_(observation_dim_),
      rows_(schema),
      labelled_(schema.columns() > transition::kGapColumn) {
  const uint64_t seed = MixSeed({config_.seed, static_cast<uint64_t>(SeedUse::kWorld),
                                 static_cast<uint64_t>(config_.index), config_.first_sequence});
  for (size_t w = 0; w < worlds_.size(); ++w) random_.emplace_back(seed, w);
}

absl::Status RolloutLoop::Run(const std::function<bool()>& stop) {
  block_start_ = next_tick_ = absl::Now();
  for (size_t w = 0; w < worlds_.size(); ++w) StartEpisode(static_cast<int>(w));
  while (!stop() && !final_) {
    if (inbox_.fresh()) {
      ESTUARY_RETURN_IF_ERROR(TakePolicy());
      continue;
    }
    const int count = StepsAllowed();
    if (count == 0) {
      ESTUARY_RETURN_IF_ERROR(HandOver(stop));
      if (!final_) ESTUARY_RETURN_IF_ERROR(WaitForPolicy(stop));
      continue;
    }
    StepWorlds(count);
    const absl::Time now = absl::Now();
    if (rows_.rows() >= config_.block_rows || now - block_start_ >= config_.block_time) {
      ESTUARY_RETURN_IF_ERROR(HandOver(stop));
    }
  }
  return HandOver(stop);
}

int RolloutLoop::StepsAllowed() const {
  uint64_t end = limit_;
  if (policy_.policy == nullptr) end = std::min(end, config_.random_steps);
  if (end <= sequence_) return 0;
  return static_cast<int>(std::min<uint64_t>(worlds_.size(), end - sequence_));
}

void RolloutLoop::StepWorlds(int count) {
  const int random_count =
      sequence_ >= config_.random_steps
          ? 0
          : static_cast<int>(std::min<uint64_t>(count, config_.random_steps - sequence_));
  const absl::Span<float> actions = absl::MakeSpan(actions_);
  for (int w = 0; w < random_count; ++w) {
    exploration_.RandomAction(w, actions.subspan(w * action_dim_, action_dim_));
  }
  if (random_count < count) {
    for (int w = random_count; w < count; ++w) exploration_.Advance(w);
    policy_.policy->ActStochastic(
        absl::MakeConstSpan(observations_).subspan(random_count * observation_dim_),
        exploration_.noise().subspan(random_count * action_dim_), count - random_count,
        *policy_.workspace, actions.subspan(random_count * action_dim_));
  }
  for (int w = 0; w < count; ++w) {
    const float* action = &actions_[w * action_dim_];
    std::copy(action, action + action_dim_, action_.begin());
    const worlds::StepResult result =
        worlds_[w]->Step(action_, random_[w], absl::MakeSpan(observation_));
    ToFloats(observation_, absl::MakeSpan(next_observation_));
    Record(w, result, w < random_count);
  }
}

void RolloutLoop::Record(int world, const worlds::StepResult& result, bool random) {
  const absl::Span<float> observation =
      absl::MakeSpan(observations_).subspan(world * observation_dim_, observation_dim_);
  const absl::Span<const float> action =
      absl::MakeConstSpan(actions_).subspan(world * action_dim_, action_dim_);
  const auto reward = static_cast<float>(result.reward);
  if (result.diverged || !AllFinite(next_observation_) || !AllFinite(action) ||
      !std::isfinite(reward)) {
    ++counts_.dropped;
    ++dropped_;
    // Ever rarer, should it happen all the time.
    if ((dropped_ & (dropped_ - 1)) == 0) {
      spdlog::warn(
          "at step {}: the simulator diverged in world {}; its episode is dropped "
          "({} so far)",
          sequence_, world, dropped_);
    }
    StartEpisode(world);
    return;
  }
  // Numbered with their first rows, episodes are never more than rows, and a restarted actor that
  // numbers from its first sequence number on meets none of its earlier lives'.
  if (!numbered_[world]) {
    episodes_[world] = next_episode_++;
    numbered_[world] = true;
  }
  rows_.Add({.observation = observation,
             .action = action,
             .reward = reward,
             .next_observation = next_observation_,
             .terminal = result.terminated,
             .truncated = result.truncated && !result.terminated,
             .source = random ? v1::TRANSITION_SOURCE_RANDOM : v1::TRANSITION_SOURCE_POLICY,
             .policy_version = random ? 0 : static_cast<uint32_t>(policy_.policy->version()),
             .episode = episodes_[world]});
  if (labelled_) rows_.SetExtra(transition::kGapColumn, worlds_[world]->gap().data());
  ++sequence_;
  ++counts_.steps;
  counts_.random_steps += random ? 1 : 0;
  returns_[world] += result.reward;
  ++lengths_[world];
  if (result.terminated || result.truncated) {
    ++(result.terminated ? counts_.terminated : counts_.truncated);
    counts_.return_sum += returns_[world];
    counts_.length_sum += lengths_[world];
    StartEpisode(world);
  } else {
    std::copy(next_observation_.begin(), next_observation_.end(), observation.begin());
  }
}

void RolloutLoop::StartEpisode(int world) {
  worlds_[world]->Reset(worlds::EpisodeKind::kTraining, random_[world],
                        absl::MakeSpan(observation_));
  ToFloats(observation_,
           absl::MakeSpan(observations_).subspan(world * observation_dim_, observation_dim_));
  exploration_.StartEpisode(world);
  numbered_[world] = false;
  returns_[world] = 0;
  lengths_[world] = 0;
}

absl::Status RolloutLoop::TakePolicy() {
  ESTUARY_ASSIGN_OR_RETURN(ReadyPolicy taken, inbox_.Take());
  // Not one row before the learner's first word: it follows the replay only from then on.
  if (taken.steps_limit > 0) {
    limit_ = taken.steps_limit;
  } else if (!config_.lockstep) {
    limit_ = kNoLimit;
  }
  final_ = taken.final;
  if (taken.policy == nullptr) return absl::OkStatus();
  policy_ = std::move(taken);
  metrics_.SetPolicy(policy_.policy->version());
  return absl::OkStatus();
}

absl::Status RolloutLoop::WaitForPolicy(const std::function<bool()>& stop) {
  const absl::Time start = absl::Now();
  absl::Time counted = start;
  absl::Time next_word = start + kWord;
  while (!stop() && !inbox_.Wait(kStopPoll)) {
    const absl::Time now = absl::Now();
    counts_.waited_for_policy += absl::ToDoubleSeconds(now - std::exchange(counted, now));
    Tick(now);
    if (now >= next_word) {
      spdlog::info("at step {}: waiting for {} to give a policy version {} since {}", sequence_,
                   config_.learner,
                   policy_.policy == nullptr
                       ? std::string("to begin with")
                       : "that allows more than " + std::to_string(limit_) + " steps",
                   absl::FormatDuration(absl::Trunc(now - start, absl::Seconds(1))));
      next_word = now + kWord;
    }
  }
  counts_.waited_for_policy += absl::ToDoubleSeconds(absl::Now() - counted);
  return absl::OkStatus();
}

absl::Status RolloutLoop::HandOver(const std::function<bool()>& stop) {
  const absl::Time start = absl::Now();
  absl::Time now = start;
  absl::Time next_word = start + kWord;
  while (true) {
    if (rows_.rows() == 0) break;
    ESTUARY_ASSIGN_OR_RETURN(const bool taken, sink_.TryAppend(rows_));
    if (taken) {
      ++counts_.blocks;
      break;
    }
    if (inbox_.fresh()) ESTUARY_RETURN_IF_ERROR(TakePolicy());
    if (final_ || stop()) {
      spdlog::info("{} rows that {} had no room for are given up", rows_.rows(), config_.replay);
      rows_.Clear();
      break;
    }
    inbox_.Wait(kRoomPoll);
    const absl::Time before = std::exchange(now, absl::Now());
    counts_.waited_for_replay += absl::ToDoubleSeconds(now - before);
    Tick(now);
    if (now >= next_word) {
      spdlog::info("at step {}: waiting for {} to take more rows since {}", sequence_,
                   config_.replay,
                   absl::FormatDuration(absl::Trunc(now - start, absl::Seconds(1))));
      next_word = now + kWord;
    }
  }
  Fold();
  block_start_ = now;
  Tick(now);
  return absl::OkStatus();
}

void RolloutLoop::Tick(absl::Time now) {
  if (now < next_tick_) return;
  next_tick_ = now + absl::Seconds(1);
  Fold();
  config_.every_second();
}

void RolloutLoop::Fold() {
  metrics_.Fold(counts_);
  counts_ = {};
}

}  // namespace estuary::actor
