#include "cli/sweep/sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/sweep/plan.h"
#include "cli/sweep/results.h"
#include "cli/sweep/sweep_report.h"
#include "cli/sweep/sweep_table.h"
#include "common/process/files.h"

namespace estuary::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class SweepTest : public ::testing::Test {
 protected:
  SweepTest() {
    folder_ = absl::StrCat(::testing::TempDir(), "sweep_",
                           ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    Write("base.textproto", R"(
      name: "base" task: "half_cheetah"
      gap { edits { action_noise: 1 } }
      dataset { path: "base.h5" }
      algorithm { name: "h2o" min_q_weight: 0.5 }
      networks { hidden: [8, 8] }
      optimizer { tau: 0.5 discount: 0.9 })");
  }

  void Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name) << text;
  }

  absl::StatusOr<SweepPlan> Plan(const std::string& text) {
    Write("mine.textproto", text);
    return PlanSweep(folder_ + "/mine.textproto");
  }

  // As RunSweep leaves a run.
  void Finish(const std::string& run, uint64_t seed, double real, double sim) {
    const std::string run_folder = absl::StrCat(folder_, "/runs/mine/", run);
    fs::create_directories(run_folder);
    std::ofstream(run_folder + "/experiment.textproto")
        << "name: '" << run << "' task: 'half_cheetah' algorithm { name: 'h2o' } seed: " << seed
        << " budget { gradient_steps: 1000 }";
    std::ofstream(run_folder + "/evaluations.jsonl")
        << R"({"dynamics":"real","gradient_steps":500,"policy_version":1,"returns":[)" << real / 2
        << R"(],"steps":[1000]})"
        << "\n";
    std::ofstream(run_folder + "/final_evaluation.jsonl")
        << R"({"dynamics":"real","policy_version":2,"returns":[)" << real << R"(],"steps":[1000]})"
        << "\n"
        << R"({"dynamics":"sim","policy_version":2,"returns":[)" << sim << R"(],"steps":[1000]})"
        << "\n";
  }

  std::string folder_;
};

constexpr char kTwoByTwo[] = R"sweep(
  title: "T"
  rows { label: "A" experiment: "base.textproto" }
  rows { label: "B" experiment: "base.textproto" settings { dataset { path: "b.h5" } } }
  columns { label: "H2O" }
  columns { label: "SAC (sim)" settings { algorithm { name: "sac" } } }
  seeds: [1, 2, 3]
  published { row: "A" column: "H2O" mean: 100 std: 10 })sweep";

TEST_F(SweepTest, CellsThatComeToTheSameTrainingShareIt) {
  const auto plan = Plan(kTwoByTwo);
  ASSERT_TRUE(plan.ok()) << plan.status();
  // SAC sees no dataset: both rows are one.
  EXPECT_THAT(plan->runs, SizeIs(9));
  EXPECT_EQ(plan->cells[0][1], plan->cells[1][1]);
  EXPECT_NE(plan->cells[0][0], plan->cells[1][0]);
  EXPECT_EQ(plan->runs[plan->cells[1][0][2]].name, "b-h2o-seed-3");
  EXPECT_EQ(plan->runs[plan->cells[1][0][2]].experiment.seed(), 3u);
  EXPECT_EQ(plan->runs[plan->cells[1][0][2]].experiment.dataset().path(), folder_ + "/b.h5");
  EXPECT_EQ(plan->runs[plan->cells[0][1][0]].name, "a-sac_sim-seed-1");
}

TEST_F(SweepTest, NamesTheCommandsThatMakeMissingDatasetsBeforeItBegins) {
  const auto plan = Plan(kTwoByTwo);
  ASSERT_TRUE(plan.ok()) << plan.status();
  const absl::Status swept = RunSweep(*plan, {.runs = folder_ + "/runs"});
  EXPECT_EQ(swept.code(), absl::StatusCode::kNotFound) << swept;
  const std::string message(swept.message());
  const std::string command = "estuary dataset generate half_cheetah --output=" + folder_;
  EXPECT_THAT(message, HasSubstr(command + "/base.h5"));
  EXPECT_THAT(message, HasSubstr(command + "/b.h5"));
  // Once, however many trainings want it.
  EXPECT_EQ(message.find(command + "/b.h5"), message.rfind(command + "/b.h5"));
}

TEST_F(SweepTest, SettingsReplaceListsAndAlgorithmsAsAWhole) {
  const auto plan = Plan(R"(
    rows { label: "A" experiment: "base.textproto"
           settings { gap { edits { model_field { field: "opt.gravity" scale: 2 } } } } }
    columns { label: "C" settings { algorithm { name: "darc" } networks { hidden: [4] } } }
    seeds: 7 settings { optimizer { tau: 0.25 } })");
  ASSERT_TRUE(plan.ok()) << plan.status();
  const v1::Experiment& experiment = plan->runs[0].experiment;
  EXPECT_EQ(experiment.gap().edits_size(), 1);
  EXPECT_EQ(experiment.gap().edits(0).model_field().field(), "opt.gravity");
  EXPECT_EQ(experiment.algorithm().name(), "darc");
  EXPECT_FALSE(experiment.algorithm().has_min_q_weight());
  EXPECT_EQ(experiment.networks().hidden_size(), 1);
  EXPECT_EQ(experiment.optimizer().tau(), 0.25);
  EXPECT_EQ(experiment.optimizer().discount(), 0.9);
}

TEST_F(SweepTest, ACellMayHaveSettingsOfItsOwn) {
  const auto plan = Plan(absl::StrCat(kTwoByTwo, R"(
    cells { row: "B" column: "H2O" settings { algorithm { name: "h2o" min_q_weight: 0.25 }
                                              dataset { path: "own.h5" } } }
    settings { optimizer { tau: 0.25 } })"));
  ASSERT_TRUE(plan.ok()) << plan.status();
  const auto of = [&](int row, int column) {
    return plan->runs[plan->cells[row][column][0]].experiment;
  };
  EXPECT_EQ(of(0, 0).algorithm().min_q_weight(), 0.5);
  EXPECT_EQ(of(1, 0).algorithm().min_q_weight(), 0.25);
  EXPECT_EQ(of(1, 0).dataset().path(), folder_ + "/own.h5");
  EXPECT_EQ(of(1, 0).optimizer().tau(), 0.25);
  EXPECT_EQ(of(1, 1).algorithm().name(), "sac");
}

TEST_F(SweepTest, RefusesWhatCannotWorkNamingTheCell) {
  const auto refusal = [&](const std::string& text) {
    return std::string(Plan(text).status().message());
  };
  EXPECT_THAT(refusal("seeds: 1 columns { label: 'C' }"), HasSubstr("has no rows"));
  EXPECT_THAT(refusal(R"(rows { label: "A" experiment: "base.textproto" }
                         columns { label: "C" settings { algorithm { name: "nonsense" } } } seeds: 1)"),
              HasSubstr("cell 'A' / 'C'"));
  EXPECT_THAT(refusal(R"(rows { label: "A" experiment: "base.textproto" }
                         columns { label: "C" } columns { label: "c!" } seeds: 1)"),
              HasSubstr("two of the columns are called 'C' and 'c!'"));
  EXPECT_THAT(refusal(R"(rows { label: "A" experiment: "base.textproto" }
                         columns { label: "C" } seeds: [1, 1])"),
              HasSubstr("seeds must name at least one seed, each once"));
  EXPECT_THAT(refusal(R"(rows { label: "A" experiment: "base.textproto" }
                         columns { label: "C" } seeds: 1 published { row: "A" column: "D" })"),
              HasSubstr("'A' / 'D'"));
  EXPECT_THAT(
      refusal(R"(rows { label: "A" experiment: "base.textproto" }
                         columns { label: "C" } seeds: 1 cells { row: "B" column: "C" })"),
      HasSubstr("settings are given for the cell 'B' / 'C', which the sweep does not have"));
  EXPECT_THAT(refusal(R"(rows { label: "A" experiment: "base.textproto" }
                         columns { label: "C" } seeds: 1
                         cells { row: "A" column: "C" } cells { row: "A" column: "C" })"),
              HasSubstr("settings are given twice for the cell 'A' / 'C'"));
  EXPECT_THAT(std::string(PlanSweep("no_such_sweep").status().message()),
              HasSubstr("there is no sweep 'no_such_sweep'"));
}

TEST_F(SweepTest, TheTableHoldsWhatIsDoneSoFar) {
  const auto plan = Plan(kTwoByTwo);
  ASSERT_TRUE(plan.ok()) << plan.status();
  const std::string folder = SweepFolder(*plan, folder_ + "/runs");
  EXPECT_THAT(std::string(ReadSweepResults(*plan, folder).status().message()),
              HasSubstr("holds no training that is done"));
  Finish("a-h2o-seed-1", 1, 10, 5);
  Finish("a-h2o-seed-2", 2, 20, 6);
  Finish("a-h2o-seed-3", 3, 60, 7);
  Finish("a-sac_sim-seed-2", 2, 1, 99);
  const auto results = ReadSweepResults(*plan, folder);
  ASSERT_TRUE(results.ok()) << results.status();
  const auto table = SweepTable(*plan, *results);
  EXPECT_EQ(table[1][2], "30 ± 22");
  EXPECT_EQ(table[2][2], "20");
  EXPECT_EQ(table[3][2], "6");
  EXPECT_EQ(table[4][2], "100 ± 10");
  EXPECT_EQ(table[1][3], "1 (1 of 3)");
  // Shared with row A.
  EXPECT_EQ(table[5][3], "1 (1 of 3)");
  EXPECT_EQ(table[5][2], "–");
  EXPECT_THAT(SweepCsv(*results), HasSubstr("\"A\",\"H2O\",3,1000,60,7,50,\"a-h2o-seed-3\"\n"));
  EXPECT_THAT(SweepMarkdown(*plan, *results),
              HasSubstr("- A, H2O: 60 (seed 3), 20 (seed 2), 10 (seed 1)\n"));
}

TEST_F(SweepTest, ManyColumnsStandBelowEachOther) {
  std::string text =
      "title: 'T' rows { label: 'A' experiment: 'base.textproto' } seeds: 1 "
      "tables_only: true published { row: 'A' column: 'C9' mean: 100 std: 10 }";
  for (int c = 1; c <= 9; ++c) {
    absl::StrAppend(&text, " columns { label: 'C", c, "' settings { optimizer { tau: 0.", c,
                    " } } }");
  }
  const auto plan = Plan(text);
  ASSERT_TRUE(plan.ok()) << plan.status();
  Finish("a-c9-seed-1", 1, 250, 40);
  const auto results = ReadSweepResults(*plan, folder_ + "/runs/mine");
  ASSERT_TRUE(results.ok()) << results.status();
  const auto table = SweepTable(*plan, *results);
  ASSERT_THAT(table, SizeIs(10));
  EXPECT_THAT(table[1], ::testing::ElementsAre("A", "C1", "–", "–", "–", ""));
  EXPECT_THAT(table[9], ::testing::ElementsAre("", "C9", "250", "250", "40", "100 ± 10"));
  const auto files = WriteSweepReport(*plan, *results, folder_ + "/report");
  ASSERT_TRUE(files.ok()) << files.status();
  for (const auto& entry : fs::directory_iterator(folder_ + "/report")) {
    EXPECT_NE(entry.path().extension(), ".svg") << "tables only";
  }
}

TEST_F(SweepTest, WritesAPageThatFetchesNothing) {
  const auto plan = Plan(kTwoByTwo);
  Finish("a-h2o-seed-1", 1, 10, 5);
  const auto results = ReadSweepResults(*plan, SweepFolder(*plan, folder_ + "/runs"));
  const auto files = WriteSweepReport(*plan, *results, folder_ + "/out");
  ASSERT_TRUE(files.ok()) << files.status();
  const std::string page = *process::ReadFile(files->page);
  EXPECT_THAT(page, HasSubstr("<svg"));
  EXPECT_THAT(page, ::testing::Not(HasSubstr("src=")));
  EXPECT_THAT(*process::ReadFile(files->markdown), HasSubstr("| A | mean ± std | 10 (1 of 3) |"));
}

TEST_F(SweepTest, MayShareTrainingsWithAnotherAndReportsInAFolderOfItsOwn) {
  const auto plan = Plan(absl::StrCat(kTwoByTwo, " trainings: 'other'"));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(SweepFolder(*plan, "runs"), "runs/other");
  EXPECT_EQ(SweepReportFolder(*plan, "runs"), "runs/mine");
  EXPECT_THAT(std::string(Plan(absl::StrCat(kTwoByTwo, " trainings: '../x'")).status().message()),
              HasSubstr("trainings is '../x'"));
}

TEST_F(SweepTest, KeepsItsFiguresBesideTheTable) {
  const auto plan = Plan(kTwoByTwo);
  Finish("a-h2o-seed-1", 1, 10, 5);
  Finish("a-h2o-seed-2", 2, 30, 5);
  const auto results = ReadSweepResults(*plan, SweepFolder(*plan, folder_ + "/runs"));
  ASSERT_TRUE(WriteSweepReport(*plan, *results, folder_ + "/out").ok());
  EXPECT_THAT(*process::ReadFile(folder_ + "/out/table.md"), HasSubstr("](a-return_real.svg)"));
  const std::string curve = *process::ReadFile(folder_ + "/out/a-return_real.svg");
  EXPECT_THAT(curve, HasSubstr("<svg"));
  EXPECT_THAT(curve, HasSubstr("mean over seeds, ± std"));
}

TEST(Sweeps, OfTheRepositoryArePlanned) {
  int sweeps = 0;
  for (const auto& entry : fs::directory_iterator(ESTUARY_SOURCE_DIR "/experiments/sweeps")) {
    const auto plan = PlanSweep(entry.path().string());
    EXPECT_TRUE(plan.ok()) << plan.status();
    ++sweeps;
  }
  EXPECT_GE(sweeps, 9);
}

}  // namespace
}  // namespace estuary::cli
