// `estuary train`, from the experiment to the report.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <regex>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/policy/policy.h"
#include "tests/end_to_end/harness.h"

namespace estuary::end_to_end {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// The scratch folder of the cluster, from the line that says how to watch it.
std::string ScratchOf(const std::string& err) {
  std::smatch match;
  return std::regex_search(err, match, std::regex("unix:(/tmp/estuary-[A-Za-z0-9]{6})/"))
             ? match[1].str()
             : "";
}

class Train : public ::testing::Test {
 protected:
  Train() : folder_(TestFolder()) { MakeDataset(folder_, "real.h5"); }

  void ExpectNothingIsLeft(const std::string& err) {
    const std::string scratch = ScratchOf(err);
    ASSERT_FALSE(scratch.empty()) << err;
    EXPECT_FALSE(Exists(scratch));
    EXPECT_THAT(ProcessesWith(scratch), IsEmpty());
  }

  std::string folder_;
};

TEST_F(Train, H2OFinishesWithPolicyAndReport) {
  WriteFile(folder_ + "/tiny.textproto", TinyExperiment("h2o"));
  const Result result = Estuary(folder_, {"train", "tiny.textproto"});
  ASSERT_EQ(result.code, 0) << result.err;
  const std::string run = folder_ + "/runs/tiny/";
  const auto version = policy::ReadPolicyFile(run + "final_policy.pb");
  ASSERT_TRUE(version.ok()) << version.status();
  EXPECT_EQ(version->gradient_steps(), 2000u);
  EXPECT_EQ(version->environment_steps(), 2000u);
  const std::string report = ReadFile(run + "report.html");
  EXPECT_THAT(report, HasSubstr("<svg"));
  EXPECT_THAT(report, HasSubstr("in reality"));
  EXPECT_THAT(ReadFile(run + "experiment.textproto"), HasSubstr("transitions: 4000"));
  EXPECT_THAT(ReadFile(run + "evaluations.jsonl"), HasSubstr("\"sim\""));
  // What a user may do next works.
  EXPECT_THAT(result.out, HasSubstr("estuary evaluate"));
  const Result evaluated =
      Estuary(folder_, {"evaluate", run + "final_policy.pb", "--episodes=2", "--dynamics=sim"});
  EXPECT_EQ(evaluated.code, 0) << evaluated.err;
  EXPECT_THAT(evaluated.out, HasSubstr("mean"));
  // Nothing half-written, no copy of the dataset, no process, no socket.
  EXPECT_FALSE(Exists(run + "replay"));
  ExpectNothingIsLeft(result.err);
}

TEST_F(Train, SacNeedsNoDataset) {
  WriteFile(folder_ + "/tiny.textproto", TinyExperiment("sac"));
  const Result result = Estuary(folder_, {"train", "tiny.textproto"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.err, Not(HasSubstr("importing")));
  EXPECT_TRUE(Exists(folder_ + "/runs/tiny/final_policy.pb"));
}

TEST_F(Train, CqlNeedsNoActor) {
  WriteFile(folder_ + "/tiny.textproto", TinyExperiment("cql", 400));
  const Result result = Estuary(folder_, {"train", "tiny.textproto"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(Exists(folder_ + "/runs/tiny/final_policy.pb"));
  EXPECT_FALSE(Exists(folder_ + "/runs/tiny/logs/actor-0.log"));
}

TEST_F(Train, TheSameSeedGivesTheSameBitsInLockstep) {
  WriteFile(folder_ + "/tiny.textproto", TinyExperiment("h2o", 2000, "deterministic: true"));
  for (const char* runs : {"first", "second"}) {
    const Result result =
        Estuary(folder_, {"train", "tiny.textproto", absl::StrCat("--runs=", runs)});
    ASSERT_EQ(result.code, 0) << result.err;
  }
  const std::string first = ReadFile(folder_ + "/first/tiny/final_policy.pb");
  EXPECT_GT(first.size(), 1000u);
  EXPECT_TRUE(first == ReadFile(folder_ + "/second/tiny/final_policy.pb"));
  const Result other = Estuary(folder_, {"train", "tiny.textproto", "--runs=third", "--seed=2"});
  ASSERT_EQ(other.code, 0) << other.err;
  EXPECT_FALSE(first == ReadFile(folder_ + "/third/tiny/final_policy.pb"));
}

TEST_F(Train, CtrlCEndsEverythingAndResumeGoesOn) {
  WriteFile(folder_ + "/tiny.textproto", TinyExperiment("h2o", 20000));
  Command run(folder_, {"train", "tiny.textproto"});
  ASSERT_TRUE(run.WaitUntil([&] { return NewestCheckpoint(folder_ + "/runs/tiny") >= 400; }))
      << run.err();
  run.Signal(SIGINT);
  const Result stopped = run.Wait(absl::Seconds(60));
  EXPECT_EQ(stopped.code, 1);
  EXPECT_THAT(stopped.err, HasSubstr("--resume goes on"));
  EXPECT_FALSE(Exists(folder_ + "/runs/tiny/final_policy.pb"));
  ExpectNothingIsLeft(stopped.err);

  const Result refused = Estuary(folder_, {"train", "tiny.textproto"});
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.err, HasSubstr("holds a run; --resume goes on with it"));
  const Result resumed = Estuary(folder_, {"train", "tiny.textproto", "--resume"});
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_TRUE(Exists(folder_ + "/runs/tiny/final_policy.pb"));
  ExpectNothingIsLeft(resumed.err);
}

}  // namespace
}  // namespace estuary::end_to_end
