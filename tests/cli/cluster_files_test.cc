#include "cli/cluster/cluster_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/training/settings.h"
#include "common/process/files.h"
#include "common/process/textproto.h"
#include "estuary/v1/replay.pb.h"

namespace estuary::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class ClusterFiles : public ::testing::Test {
 protected:
  ClusterFiles() {
    options_.folder = absl::StrCat(::testing::TempDir(), "cluster_files_",
                                   ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(options_.folder);
    options_.training.experiment_path =
        ESTUARY_SOURCE_DIR "/experiments/wheel_legged_stand_h2o.textproto";
    options_.transitions = 500;
  }
  ~ClusterFiles() override { fs::remove_all(options_.folder); }

  ClusterFilesOptions options_;
};

TEST_F(ClusterFiles, HoldTheExperimentItsTablesAndADataset) {
  options_.training.settings = "budget { gradient_steps: 4000 } dataset { extend: true }";
  options_.shards = 3;
  const auto written = WriteClusterFiles(options_);
  ASSERT_TRUE(written.ok()) << written.status();
  const auto experiment = ReadClusterExperiment(options_.folder);
  ASSERT_TRUE(experiment.ok()) << experiment.status();
  EXPECT_EQ(experiment->budget().gradient_steps(), 4000);
  EXPECT_EQ(experiment->cluster().shards(), 3);
  EXPECT_EQ(experiment->dataset().transitions(), 500);
  EXPECT_TRUE(experiment->dataset().extend());
  EXPECT_TRUE(fs::exists(experiment->dataset().path()));
  v1::TableConfigs tables;
  ASSERT_TRUE(process::ReadTextProto(options_.folder + "/tables.textproto", &tables).ok());
  EXPECT_EQ(tables.tables_size(), 2);
}

TEST_F(ClusterFiles, StayAsTheyAreTheSecondTime) {
  ASSERT_TRUE(WriteClusterFiles(options_).ok());
  const std::string dataset = options_.folder + "/dataset.h5";
  const auto made = fs::last_write_time(dataset);
  const absl::Status again = WriteClusterFiles(options_).status();
  EXPECT_TRUE(again.ok()) << again;
  EXPECT_EQ(fs::last_write_time(dataset), made);
}

TEST_F(ClusterFiles, AreNotThoseOfAnotherExperiment) {
  ASSERT_TRUE(WriteClusterFiles(options_).ok());
  options_.training.settings = "budget { gradient_steps: 4000 }";
  const absl::Status other = WriteClusterFiles(options_).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(other)) << other;
  EXPECT_THAT(std::string(other.message()), HasSubstr("experiment.textproto"));
}

TEST_F(ClusterFiles, NeedNoDatasetWhereNoneIsUsed) {
  options_.training.experiment_path =
      ESTUARY_SOURCE_DIR "/experiments/wheel_legged_stand_sac.textproto";
  const auto written = WriteClusterFiles(options_);
  ASSERT_TRUE(written.ok()) << written.status();
  EXPECT_FALSE(fs::exists(options_.folder + "/dataset.h5"));
}

TEST(Settings, NameTheFieldThatIsNone) {
  v1::Experiment experiment;
  const absl::Status status = ApplySettingsText("budget { steps: 4 }", &experiment);
  EXPECT_THAT(std::string(status.message()), HasSubstr("steps"));
}

}  // namespace
}  // namespace estuary::cli
