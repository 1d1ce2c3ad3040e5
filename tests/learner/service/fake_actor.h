// An actor without a simulator: acts by the learner's newest policy in a made-up world whose next
// row depends on nothing but the row's number and the policy, and writes to table sim. The rows are
// therefore the same whenever the policies are.
#pragma once

#include <atomic>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "common/client/learner_subscriber.h"
#include "common/client/replay_writer.h"
#include "common/policy/policy.h"
#include "common/transition/block.h"
#include "gtest/gtest.h"

namespace estuary::learner {

inline transition::Schema ToySchema() { return transition::Schema::Standard("toy", 3, 2, 50'000); }

// Row number `i` of the made-up world under these actions.
inline void AddToyRow(uint64_t i, absl::Span<const float> action, double reward_scale,
                      v1::TransitionSource source, uint32_t version,
                      transition::BlockBuilder& rows) {
  const auto x = static_cast<float>(i);
  const float observation[3] = {std::sin(x), std::cos(1.7f * x), std::sin(0.3f * x + 1)};
  const float next[3] = {observation[0] + 0.1f * action[0], observation[1] - 0.1f * action[1],
                         std::sin(0.3f * x + 1.3f)};
  const double reward = 1 - observation[0] * observation[0] - 0.1 * action[0] * action[0];
  rows.Add({.observation = observation,
            .action = action,
            .reward = static_cast<float>(reward_scale * reward),
            .next_observation = next,
            .terminal = i % 50 == 49,
            .source = source,
            .policy_version = version,
            .episode = static_cast<uint32_t>(i / 50)});
}

class FakeActor {
 public:
  FakeActor(const std::string& learner, const std::vector<std::string>& shards)
      : subscriber_({.address = learner, .subscriber = "actor-0"}),
        writer_(*client::ReplayWriter::Start({.shards = shards,
                                              .table = "sim",
                                              .writer_id = "run/actor-0",
                                              .schema = ToySchema(),
                                              .replaceable = true,
                                              .buffer_rows = 64})) {
    thread_ = std::thread([this] { Run(); });
  }
  ~FakeActor() {
    stopped_ = true;
    subscriber_.Stop();
    thread_.join();
  }

  // Writes no row beyond this many, whatever the learner allows.
  void PauseAt(uint64_t rows) { pause_ = rows; }
  void GoOn() { pause_ = std::numeric_limits<uint64_t>::max(); }

  uint64_t rows() const { return rows_; }
  bool finished() const { return subscriber_.finished(); }

 private:
  void Run() {
    std::shared_ptr<const policy::Policy> policy;
    std::unique_ptr<policy::Policy::Workspace> workspace;
    uint64_t limit = 0;
    transition::BlockBuilder rows{ToySchema()};
    while (!stopped_) {
      if (const auto update = subscriber_.Next(absl::Milliseconds(2))) {
        if (update->final()) return;
        auto received = policy::Policy::FromProto(update->policy());
        ASSERT_TRUE(received.ok()) << received.status();
        // A learner that resumed sends again what it had sent before.
        const bool newer = policy == nullptr || update->environment_steps_limit() > limit ||
                           update->environment_steps_limit() == 0;
        if (newer) {
          policy = *received;
          workspace = std::make_unique<policy::Policy::Workspace>(*policy, 1);
          limit = update->environment_steps_limit();
        }
      }
      if (policy == nullptr) continue;
      const uint64_t end =
          std::min<uint64_t>(pause_, limit > 0 ? limit : std::numeric_limits<uint64_t>::max());
      for (int i = 0; i < 10 && rows_ < end; ++i) {
        const auto x = static_cast<float>(rows_);
        const float observation[3] = {std::sin(x), std::cos(1.7f * x), std::sin(0.3f * x + 1)};
        float action[2];
        policy->Act(observation, 1, *workspace, action);
        AddToyRow(rows_, action, 1, v1::TRANSITION_SOURCE_POLICY,
                  static_cast<uint32_t>(policy->version()), rows);
        ++rows_;
      }
      while (!stopped_ && rows.rows() > 0) {
        const absl::StatusOr<bool> taken = writer_->TryAppend(rows);
        ASSERT_TRUE(taken.ok()) << taken.status();
        if (*taken) break;
        absl::SleepFor(absl::Milliseconds(1));
      }
    }
  }

  client::LearnerSubscriber subscriber_;
  std::unique_ptr<client::ReplayWriter> writer_;
  std::atomic<bool> stopped_{false};
  std::atomic<uint64_t> pause_{std::numeric_limits<uint64_t>::max()};
  std::atomic<uint64_t> rows_{0};
  std::thread thread_;
};

}  // namespace estuary::learner
