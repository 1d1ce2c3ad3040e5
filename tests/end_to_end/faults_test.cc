// A training survives the deaths of its processes, and leaves none behind when it dies itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "common/policy/policy.h"
#include "tests/end_to_end/harness.h"

namespace estuary::end_to_end {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Faults : public ::testing::Test {
 protected:
  Faults() : folder_(TestFolder()) {
    MakeDataset(folder_, "real.h5");
    WriteFile(folder_ + "/tiny.textproto", TinyExperiment("h2o", 12000));
  }

  // Starts the training and kills `binary` once there is a checkpoint.
  void KillAndExpectToFinish(const std::string& what, const std::string& name) {
    Command run(folder_, {"train", "tiny.textproto"});
    ASSERT_TRUE(run.WaitUntil([&] { return NewestCheckpoint(folder_ + "/runs/tiny") >= 400; }))
        << run.err();
    const std::vector<pid_t> victims = run.Children(what);
    ASSERT_EQ(victims.size(), 1u);
    kill(victims[0], SIGKILL);
    const Result result = run.Wait();
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_THAT(result.err, HasSubstr(name + " ended with signal 9 (Killed); starting it again"));
    const auto version = policy::ReadPolicyFile(folder_ + "/runs/tiny/final_policy.pb");
    ASSERT_TRUE(version.ok()) << version.status();
    EXPECT_EQ(version->gradient_steps(), 12000u);
  }

  std::string folder_;
};

TEST_F(Faults, AKilledActorIsReplaced) { KillAndExpectToFinish("--role=rollout", "actor-0"); }

TEST_F(Faults, AKilledEvaluatorIsReplaced) {
  KillAndExpectToFinish("--role=evaluate", "evaluator");
}

TEST_F(Faults, AKilledLearnerResumesFromItsCheckpoint) {
  KillAndExpectToFinish("estuary-learner", "learner");
  EXPECT_THAT(ReadFile(folder_ + "/runs/tiny/logs/learner.log"), HasSubstr("--resume"));
}

TEST_F(Faults, AKilledShardComesBackWithItsData) {
  KillAndExpectToFinish("replay-1.sock --table_config", "replay-1");
}

TEST_F(Faults, AKilledTrainingLeavesNoProcess) {
  std::vector<pid_t> children;
  {
    Command run(folder_, {"train", "tiny.textproto"});
    ASSERT_TRUE(run.WaitUntil([&] { return run.Children("estuary-").size() == 5; })) << run.err();
    children = run.Children("estuary-");
    run.Signal(SIGKILL);
    run.Wait();
  }
  const auto alive = [&] {
    std::vector<pid_t> left;
    for (const pid_t pid : ProcessesWith(folder_)) {
      if (std::find(children.begin(), children.end(), pid) != children.end()) left.push_back(pid);
    }
    return left;
  };
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  while (!alive().empty() && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(20));
  EXPECT_THAT(alive(), IsEmpty());
}

}  // namespace
}  // namespace estuary::end_to_end
