#include "learner/service/run_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "common/experiment/experiment.h"
#include "common/process/files.h"
#include "tests/learner/service/scratch_folder.h"

namespace estuary::learner {
namespace {

using ::testing::HasSubstr;

v1::Experiment Effective(uint64_t seed = 1) {
  v1::Experiment experiment;
  experiment.set_name("x");
  experiment.set_task("half_cheetah");
  experiment.mutable_algorithm()->set_name("sac");
  experiment.set_seed(seed);
  EXPECT_TRUE(experiment::FillDefaults(experiment).ok());
  return experiment;
}

TEST(RunFolder, KeepsTheEffectiveExperimentAndTheId) {
  const ScratchFolder scratch;
  { ASSERT_TRUE(RunFolder::Create(scratch / "run", Effective(), "x-1").ok()); }
  const auto again = RunFolder::Resume(scratch / "run", nullptr, "");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ((*again)->run_id(), "x-1");
  EXPECT_EQ((*again)->experiment().SerializeAsString(), Effective().SerializeAsString());
}

TEST(RunFolder, RefusesAFolderThatHoldsARun) {
  const ScratchFolder scratch;
  { ASSERT_TRUE(RunFolder::Create(scratch / "run", Effective(), "x-1").ok()); }
  const absl::Status status = RunFolder::Create(scratch / "run", Effective(), "x-2").status();
  EXPECT_TRUE(absl::IsAlreadyExists(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("run_id is there"));
  EXPECT_THAT(status.message(), HasSubstr("--resume"));
  EXPECT_EQ(*process::ReadFile(scratch / "run/run_id"), "x-1\n");
}

TEST(RunFolder, RefusesAFolderWithResultsAlone) {
  const ScratchFolder scratch;
  std::ofstream(scratch / "metrics.jsonl") << "{}\n";
  EXPECT_TRUE(absl::IsAlreadyExists(RunFolder::Create(scratch.path(), Effective(), "a").status()));
  EXPECT_EQ(*process::ReadFile(scratch / "metrics.jsonl"), "{}\n");
}

TEST(RunFolder, TakesAFolderWithThisExperimentOrOtherFiles) {
  const ScratchFolder scratch;
  std::ofstream(scratch / "experiment.textproto")
      << "name: 'x' task: 'half_cheetah' algorithm { name: 'sac' }";
  std::filesystem::create_directory(scratch / "logs");
  EXPECT_TRUE(RunFolder::Create(scratch.path(), Effective(), "x-1").ok());
}

TEST(RunFolder, RefusesAFolderWithAnotherExperiment) {
  const ScratchFolder scratch;
  std::ofstream(scratch / "experiment.textproto")
      << "name: 'x' task: 'half_cheetah' seed: 7 algorithm { name: 'sac' }";
  const absl::Status status = RunFolder::Create(scratch.path(), Effective(), "x-1").status();
  EXPECT_TRUE(absl::IsAlreadyExists(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("seed: 7 -> 1"));
}

TEST(RunFolder, HasOneLearnerAtATime) {
  const ScratchFolder scratch;
  const auto first = RunFolder::Create(scratch.path(), Effective(), "x-1");
  ASSERT_TRUE(first.ok());
  const absl::Status status = RunFolder::Resume(scratch.path(), nullptr, "").status();
  EXPECT_THAT(status.message(), HasSubstr("another learner works in the run folder"));
}

TEST(RunFolder, ResumesOnlyTheRunThatIsThere) {
  const ScratchFolder scratch;
  EXPECT_TRUE(absl::IsNotFound(RunFolder::Resume(scratch / "none", nullptr, "").status()));
  { ASSERT_TRUE(RunFolder::Create(scratch / "run", Effective(), "x-1").ok()); }
  const v1::Experiment other = Effective(9);
  absl::Status status = RunFolder::Resume(scratch / "run", &other, "").status();
  EXPECT_THAT(status.message(), HasSubstr("seed: 1 -> 9"));
  status = RunFolder::Resume(scratch / "run", nullptr, "x-2").status();
  EXPECT_THAT(status.message(), HasSubstr("is 'x-1', not 'x-2'"));
  const v1::Experiment same = Effective();
  EXPECT_TRUE(RunFolder::Resume(scratch / "run", &same, "x-1").ok());
}

}  // namespace
}  // namespace estuary::learner
