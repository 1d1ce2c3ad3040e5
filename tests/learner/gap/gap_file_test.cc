#include "learner/gap/gap_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/experiment/experiment.h"
#include "common/hdf5/file.h"
#include "common/process/files.h"
#include "common/process/textproto.h"
#include "learner/core/engine.h"
#include "learner/service/checkpoint_files.h"
#include "learner/service/checkpoint_store.h"
#include "learner/service/config_from_experiment.h"
#include "tests/learner/core/random_replay.h"

namespace estuary::learner {
namespace {

using ::testing::HasSubstr;

constexpr int kObservation = 4;
constexpr int kAction = 1;
constexpr int kRows = 30;

class GapFileTest : public ::testing::Test {
 protected:
  GapFileTest() {
    run_ = absl::StrCat(::testing::TempDir(), "gap_file_",
                        ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(run_);
    std::filesystem::create_directories(run_);
    path_ = run_ + "/transitions.h5";
  }

  // A run that left checkpoints after these many gradient steps.
  void MakeRun(const std::string& algorithm, const std::vector<int>& stages) {
    v1::Experiment experiment;
    experiment.set_name("run");
    experiment.set_task("wheel_legged_stand");
    experiment.mutable_algorithm()->set_name(algorithm);
    experiment.mutable_dataset()->set_path("data.h5");
    experiment.mutable_networks()->add_hidden(8);
    experiment.mutable_networks()->add_discriminator_hidden(8);
    experiment.mutable_optimizer()->set_batch_size(16);
    ASSERT_TRUE(experiment::FillDefaults(experiment).ok());
    ASSERT_TRUE(process::WriteFileAtomically(run_ + "/experiment.textproto",
                                             process::ToTextProto(experiment))
                    .ok());
    const auto real = RandomReplay("real", 100, kObservation, kAction, 1);
    const auto sim = RandomReplay("sim", 100, kObservation, kAction, 2, 1.5f);
    EngineOptions options;
    options.config = *ConfigFromExperiment(experiment, kObservation, kAction);
    options.real = real.get();
    options.sim = sim.get();
    const auto engine = MakeNativeEngine(options);
    ASSERT_TRUE(engine.ok()) << engine.status();
    CheckpointStore store(run_ + "/checkpoints", /*keep=*/10);
    for (const int steps : stages) {
      ASSERT_TRUE((*engine)->Step(steps - static_cast<int>((*engine)->steps_done())).ok());
      Checkpoint checkpoint{.step = static_cast<uint64_t>(steps), .files = {}};
      checkpoint.files[kEngineFile] = *(*engine)->Save();
      ASSERT_TRUE(store.Write(checkpoint).ok());
    }
  }

  void WriteTransitions(uint64_t rows_after) {
    const OwnedTransitions t = RandomTransitions(kRows, kObservation, kAction, 3);
    auto file = hdf5::File::Create(path_);
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_TRUE(file->Write<float>("/observations", {kRows, kObservation}, t.observation).ok());
    ASSERT_TRUE(file->Write<float>("/actions", {kRows, kAction}, t.action).ok());
    ASSERT_TRUE(
        file->Write<float>(
                "/next_observations", {rows_after, kObservation},
                absl::MakeConstSpan(t.next_observation).subspan(0, rows_after * kObservation))
            .ok());
    ASSERT_TRUE(file->Close().ok());
  }

  std::string run_;
  std::string path_;
};

TEST_F(GapFileTest, HoldsWhatEachCheckpointMeasuresOldestFirst) {
  MakeRun("h2o", {0, 5, 20});
  WriteTransitions(kRows);
  const absl::Status added = AddGapMeasures(run_, path_);
  ASSERT_TRUE(added.ok()) << added;
  const auto file = hdf5::File::Open(path_);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->Read<uint64_t>("/gradient_steps")->values, (std::vector<uint64_t>{0, 5, 20}));
  for (const char* measure : {"/u", "/log_ratio", "/q"}) {
    const auto read = file->Read<float>(measure, {3, kRows});
    ASSERT_TRUE(read.ok()) << read.status();
    const std::vector<float> first(read->values.begin(), read->values.begin() + kRows);
    const std::vector<float> last(read->values.end() - kRows, read->values.end());
    EXPECT_NE(first, last) << measure;
  }
}

TEST_F(GapFileTest, NamesWhatIsMissingOrDoesNotFit) {
  MakeRun("h2o", {});
  WriteTransitions(kRows);
  EXPECT_THAT(std::string(AddGapMeasures(run_, path_).message()), HasSubstr("has no checkpoints"));
  MakeRun("h2o", {1});
  WriteTransitions(kRows - 1);
  EXPECT_THAT(std::string(AddGapMeasures(run_, path_).message()), HasSubstr("/next_observations"));
  EXPECT_THAT(std::string(AddGapMeasures("/no/such/run", path_).message()),
              HasSubstr("/no/such/run"));
}

TEST_F(GapFileTest, RefusesAnAlgorithmThatDoesNotTellTheDynamicsApart) {
  MakeRun("sac", {1});
  WriteTransitions(kRows);
  EXPECT_THAT(std::string(AddGapMeasures(run_, path_).message()),
              HasSubstr("does not tell the two dynamics apart"));
}

}  // namespace
}  // namespace estuary::learner
