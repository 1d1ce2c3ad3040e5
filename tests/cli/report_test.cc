#include "cli/report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/report/curves.h"
#include "cli/report/figure.h"
#include "cli/report/page.h"
#include "cli/report/spread.h"
#include "cli/track/recorded_episode.h"
#include "common/process/files.h"

namespace estuary::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string MakeRun(const std::string& name, const std::string& algorithm, int seed) {
  const std::string folder = absl::StrCat(::testing::TempDir(), "report_test_", name);
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/experiment.textproto")
      << "name: '" << name << "' task: 'wheel_legged_stand' algorithm { name: '" << algorithm
      << "' } seed: " << seed;
  std::ofstream(folder + "/metrics.jsonl")
      << R"({"gradient_steps":500,"u/mean":2.5,"loss/q1_td":0.5})"
      << "\n"
      << R"({"gradient_steps":1000,"u/mean":1.5,"loss/q1_td":null})"
      << "\n{\"gradient_st";
  std::ofstream(folder + "/evaluations.jsonl")
      << R"({"dynamics":"real","gradient_steps":500,"policy_version":1,"returns":[10,30],)"
      << R"("steps":[100,300],"terminated":[true,false],"figures":{"max_abs_x":[0.5,0.1]}})"
      << "\n"
      << R"({"dynamics":"sim","gradient_steps":1000,"policy_version":2,"returns":[50],)"
      << R"("steps":[6000],"terminated":[false],"figures":{}})"
      << "\n";
  return folder;
}

TEST(ReadRun, SkipsATornLine) {
  const auto run = ReadRun(MakeRun("torn", "h2o", 1));
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(run->metrics.size(), 2u);
  EXPECT_DOUBLE_EQ(run->metrics[0].values.at("u/mean"), 2.5);
  EXPECT_EQ(run->metrics[1].values.count("loss/q1_td"), 0u);
  ASSERT_EQ(run->evaluations.size(), 2u);
  EXPECT_DOUBLE_EQ(run->evaluations[0].MeanReturn(), 20);
  EXPECT_EQ(run->evaluations[0].terminated, 1);
  EXPECT_DOUBLE_EQ(run->evaluations[0].figures.at("max_abs_x"), 0.3);
}

TEST(ReadRun, PrefersTheLongerFinalEvaluation) {
  const std::string folder = MakeRun("final", "sac", 1);
  std::ofstream(folder + "/final_evaluation.jsonl")
      << R"({"dynamics":"real","policy_version":2,"returns":[7,9],"steps":[1,1]})"
      << "\n";
  const auto run = ReadRun(folder);
  ASSERT_TRUE(run.ok());
  EXPECT_DOUBLE_EQ(run->final_evaluation.at("real").MeanReturn(), 8);
  EXPECT_DOUBLE_EQ(run->final_evaluation.at("sim").MeanReturn(), 50);
}

TEST(ReadRun, NamesAFolderWithoutARun) {
  EXPECT_THAT(std::string(ReadRun("/no/such/run").status().message()),
              HasSubstr("'/no/such/run' holds no run"));
}

TEST(ComparisonTable, GivesMediansOverSeeds) {
  std::vector<RunData> runs;
  for (int seed = 1; seed <= 3; ++seed) {
    runs.push_back(*ReadRun(MakeRun(absl::StrCat("h2o_", seed), "h2o", seed)));
    runs.back().final_evaluation["real"].returns = {100.0 * seed};
  }
  runs.push_back(*ReadRun(MakeRun("sac", "sac", 1)));
  const auto table = ComparisonTable(runs);
  ASSERT_EQ(table.size(), 6u);
  EXPECT_EQ(table[1][0], "H2O, seed 1");
  EXPECT_EQ(table[4][0], "H2O, median of 3 seeds");
  EXPECT_EQ(table[4][7], "200");
  EXPECT_EQ(table[5][0], "SAC (sim), seed 1");
}

TEST(Report, IsOnePageThatFetchesNothing) {
  const std::string folder = MakeRun("page", "h2o", 1);
  const absl::Status written = WriteRunReport(folder);
  ASSERT_TRUE(written.ok()) << written;
  const std::string page = *process::ReadFile(folder + "/report.html");
  EXPECT_THAT(page, HasSubstr("<svg"));
  EXPECT_THAT(page, HasSubstr("in reality"));
  for (const char* fetched : {"src=", "<link", "@import", "<script src"}) {
    EXPECT_THAT(page, Not(HasSubstr(fetched)));
  }
}

TEST(Report, ComparesRunsWithoutDrives) {
  const std::string output = ::testing::TempDir() + "comparison.html";
  const absl::Status written = WriteComparisonReport(
      {MakeRun("left", "h2o", 1), MakeRun("right", "sac", 1)}, output, "one seed");
  ASSERT_TRUE(written.ok()) << written;
  const std::string page = *process::ReadFile(output);
  EXPECT_THAT(page, HasSubstr("SAC (sim)"));
  EXPECT_THAT(page, HasSubstr("one seed"));
}

TEST(Report, ShowsTheRobotWhereAnEpisodeWasRecorded) {
  const std::string folder = MakeRun("episode", "h2o", 1);
  RecordedEpisode episode{.track = {.observation_dim = 4}, .seconds = 1, .end = "left the area"};
  for (int i = 0; i < 200; ++i) {
    episode.track.Add(0.005 * i, std::vector<float>{0.1f, 0, 0.002f * i, 0.4f}, 20);
  }
  ASSERT_TRUE(WriteRecordedEpisode(episode, folder + "/final_episode.h5").ok());
  ASSERT_TRUE(WriteRunReport(folder).ok());
  const std::string page = *process::ReadFile(folder + "/report.html");
  EXPECT_THAT(page, HasSubstr("An episode in reality"));
  EXPECT_THAT(page, HasSubstr("H2O, seed 1: left the area, 1.0 s"));
  EXPECT_THAT(page, HasSubstr("Cumulative reward"));
  EXPECT_THAT(page, Not(HasSubstr("src=")));
}

TEST(MeanReturns, HasABandOverTheSeedsThatWereAllEvaluated) {
  std::vector<RunData> runs;
  for (int seed = 1; seed <= 2; ++seed) {
    runs.push_back(*ReadRun(MakeRun(absl::StrCat("mean_", seed), "h2o", seed)));
  }
  runs[1].evaluations[0].returns = {40};
  runs[1].evaluations.pop_back();
  const Series real = MeanReturns(runs, "real");
  ASSERT_EQ(real.points.size(), 1u);
  EXPECT_EQ(real.points[0], (std::pair<double, double>(0.5, 30)));
  EXPECT_EQ(real.band[0], (std::array<double, 3>{0.5, 20, 40}));
  EXPECT_TRUE(MeanReturns(runs, "sim").points.empty());
  EXPECT_TRUE(MeanReturns({runs[0]}, "real").band.empty());
}

TEST(Quantile, LiesBetweenNeighbours) {
  EXPECT_EQ(Quantile({3, 1, 2}, 0.5), 2);
  EXPECT_EQ(Quantile({4, 1, 2, 3}, 0.5), 2.5);
  EXPECT_EQ(Quantile({0, 10}, 0.25), 2.5);
  EXPECT_EQ(Quantile({}, 0.5), 0);
}

TEST(Page, EscapesText) {
  Page page("a < b", "");
  page.Table({{"<script>"}, {"&"}});
  EXPECT_THAT(page.Html(), HasSubstr("<th>&lt;script&gt;</th>"));
  EXPECT_THAT(page.Html(), HasSubstr("<title>a &lt; b</title>"));
  EXPECT_THAT(page.Html(), Not(HasSubstr("<script>")));
}

TEST(Figure, ScriptQuotesTitlesAndBreaksCurves) {
  Figure figure{.title = "a \"b\" \\ c"};
  figure.series.push_back(
      {.title = "s", .color = "#000000", .points = {{0, 1}, {NAN, NAN}, {2, 3}}});
  const std::string script = GnuplotScript(figure, "/tmp/x.svg");
  EXPECT_THAT(script, HasSubstr("set title \"a 'b' \\\\ c\""));
  EXPECT_THAT(script, HasSubstr("0 1\n\n2 3\n"));
}

TEST(Figure, DrawsBandsBehindTheirCurves) {
  Figure figure{.title = "t"};
  figure.series.push_back({.title = "s",
                           .color = "#123456",
                           .points = {{0, 1}, {1, 2}},
                           .band = {{{0, 0.5, 1.5}}, {{1, 1.5, 2.5}}}});
  const std::string script = GnuplotScript(figure, "/tmp/x.svg");
  EXPECT_THAT(script, HasSubstr("0 0.5 1.5\n1 1.5 2.5\n"));
  EXPECT_LT(script.find("filledcurves fillcolor rgb '#123456'"), script.find("with lines"));
}

TEST(Figure, KeepsIdentifiersOfAPageApart) {
  Plotter plotter;
  Figure figure{.title = "t"};
  figure.series.push_back({.title = "s", .color = "#000000", .points = {{0, 1}, {1, 2}}});
  const auto first = plotter.Draw(figure);
  const auto second = plotter.Draw(figure);
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE(second.ok());
  EXPECT_THAT(*first, HasSubstr("id=\"f0_"));
  EXPECT_THAT(*second, HasSubstr("id=\"f1_"));
}

}  // namespace
}  // namespace estuary::cli
