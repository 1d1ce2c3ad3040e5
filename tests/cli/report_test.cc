#include "cli/report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/report/figure.h"
#include "cli/report/page.h"
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
