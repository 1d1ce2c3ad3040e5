#include "learner/service/evaluations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/str_split.h"
#include "common/process/files.h"
#include "tests/learner/service/scratch_folder.h"

namespace estuary::learner {
namespace {

using ::testing::HasSubstr;

class EvaluationsTest : public testing::Test {
 protected:
  EvaluationsTest() : lines_(*JsonLines::Open(path())) {
    wanted_.set_episodes(2);
    wanted_.set_sim_episodes(1);
    evaluations_ = std::make_unique<Evaluations>(wanted_, lines_.get());
    evaluations_->Expect(4, 400, 350);
  }

  std::string path() const { return scratch_ / "evaluations.jsonl"; }

  static v1::ReportEvaluationRequest Report(uint64_t version, const std::string& dynamics) {
    v1::ReportEvaluationRequest report;
    report.set_policy_version(version);
    report.set_dynamics(dynamics);
    v1::Episode* episode = report.add_episodes();
    episode->set_episode_return(10);
    episode->set_steps(200);
    episode->set_terminated(true);
    (*episode->mutable_figures())["max_abs_x"] = 0.5;
    episode = report.add_episodes();
    episode->set_episode_return(20);
    episode->set_steps(300);
    (*episode->mutable_figures())["max_abs_x"] = 0.25;
    return report;
  }

  std::vector<nlohmann::json> Written() const {
    std::vector<nlohmann::json> lines;
    const std::string text = *process::ReadFile(path());
    for (const auto line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
      lines.push_back(nlohmann::json::parse(line));
    }
    return lines;
  }

  absl::Status Send(const v1::ReportEvaluationRequest& report) {
    return evaluations_->Report(report, &complete_);
  }

  ScratchFolder scratch_;
  v1::Evaluation wanted_;
  std::unique_ptr<JsonLines> lines_;
  std::unique_ptr<Evaluations> evaluations_;
  bool complete_ = false;
};

TEST_F(EvaluationsTest, WritesAReportWithWhereTheVersionCameFrom) {
  ASSERT_TRUE(Send(Report(4, "real")).ok());
  const std::vector<nlohmann::json> lines = Written();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0], nlohmann::json::parse(R"({
      "policy_version": 4, "gradient_steps": 400, "environment_steps": 350, "dynamics": "real",
      "returns": [10.0, 20.0], "steps": [200, 300], "terminated": [true, false],
      "figures": {"max_abs_x": [0.5, 0.25]}})"));
  EXPECT_EQ(evaluations_->newest().real_return, 15);
  EXPECT_EQ(evaluations_->newest().version, 4u);
}

TEST_F(EvaluationsTest, AVersionIsCompleteOnceBothDynamicsAreReported) {
  ASSERT_TRUE(Send(Report(4, "real")).ok());
  EXPECT_FALSE(complete_);
  EXPECT_FALSE(evaluations_->Complete(4));
  ASSERT_TRUE(Send(Report(4, "sim")).ok());
  EXPECT_TRUE(complete_);
  EXPECT_TRUE(evaluations_->WaitUntilComplete(4, absl::ZeroDuration()));
}

TEST_F(EvaluationsTest, AReportThatComesTwiceIsWrittenOnce) {
  ASSERT_TRUE(Send(Report(4, "real")).ok());
  ASSERT_TRUE(Send(Report(4, "real")).ok());
  EXPECT_EQ(Written().size(), 1u);
}

TEST_F(EvaluationsTest, RemembersWhatTheFileHeldBeforeARestart) {
  ASSERT_TRUE(Send(Report(4, "real")).ok());
  Evaluations restarted(wanted_, lines_.get());
  restarted.Recall(Written()[0]);
  restarted.Expect(4, 400, 350);
  EXPECT_EQ(restarted.newest().real_return, 15);
  bool complete = false;
  ASSERT_TRUE(restarted.Report(Report(4, "real"), &complete).ok());
  EXPECT_EQ(Written().size(), 1u);
  ASSERT_TRUE(restarted.Report(Report(4, "sim"), &complete).ok());
  EXPECT_TRUE(complete);
}

TEST_F(EvaluationsTest, FiguresOfSomeEpisodesOnlyStayInPlace) {
  v1::ReportEvaluationRequest report = Report(4, "real");
  (*report.mutable_episodes(1)->mutable_figures())["late"] = 1;
  ASSERT_TRUE(Send(report).ok());
  EXPECT_EQ(Written()[0]["figures"]["late"], nlohmann::json::parse("[null, 1.0]"));
}

TEST_F(EvaluationsTest, RefusesWhatMakesNoSenseAndWritesNothing) {
  EXPECT_TRUE(absl::IsNotFound(Send(Report(5, "real"))));
  EXPECT_THAT(Send(Report(5, "real")).message(), HasSubstr("its newest is 4"));
  EXPECT_TRUE(absl::IsInvalidArgument(Send(Report(4, "dream"))));
  EXPECT_THAT(Send(Report(4, "dream")).message(), HasSubstr("'dream'"));
  v1::ReportEvaluationRequest report = Report(4, "real");
  report.mutable_episodes(1)->set_episode_return(std::nan(""));
  EXPECT_THAT(Send(report).message(), HasSubstr("episode 1 has the return nan"));
  report = Report(4, "real");
  report.mutable_episodes(0)->set_steps(0);
  EXPECT_THAT(Send(report).message(), HasSubstr("episode 0 has no steps"));
  report = Report(4, "real");
  (*report.mutable_episodes(0)->mutable_figures())["x"] = std::numeric_limits<double>::infinity();
  EXPECT_THAT(Send(report).message(), HasSubstr("x = inf"));
  report.clear_episodes();
  EXPECT_TRUE(absl::IsInvalidArgument(Send(report)));
  EXPECT_TRUE(Written().empty());
}

TEST_F(EvaluationsTest, DynamicsThatTheExperimentDoesNotWantAreNotAwaited) {
  wanted_.set_sim_episodes(0);
  Evaluations real_only(wanted_, lines_.get());
  real_only.Expect(4, 400, 350);
  bool complete = false;
  ASSERT_TRUE(real_only.Report(Report(4, "real"), &complete).ok());
  EXPECT_TRUE(complete);
  EXPECT_TRUE(absl::IsInvalidArgument(real_only.Report(Report(4, "sim"), &complete)));
}

}  // namespace
}  // namespace estuary::learner
