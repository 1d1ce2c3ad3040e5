// `estuary drive`: bridge, emulated robot and replay as processes, at the robot's own pace.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/hdf5/file.h"
#include "tests/end_to_end/harness.h"

namespace estuary::end_to_end {
namespace {

using ::testing::HasSubstr;

TEST(Drive, APolicyDrivesTheRobotAndItsTransitionsAreKept) {
  const std::string folder = TestFolder();
  WriteFile(folder + "/tiny.textproto", TinyExperiment("sac", 400));
  const Result trained = Estuary(folder, {"train", "tiny.textproto"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  const Result driven = Estuary(
      folder, {"drive", "runs/tiny/final_policy.pb", "--seconds=1", "--output=runs/tiny/drive.h5"});
  ASSERT_EQ(driven.code, 0) << driven.err;
  EXPECT_THAT(driven.out, HasSubstr("drove for"));
  EXPECT_THAT(driven.out, HasSubstr("lateness"));
  // A drive is a dataset like any other.
  const Result described = Estuary(folder, {"dataset", "describe", "runs/tiny/drive.h5"});
  EXPECT_EQ(described.code, 0) << described.err;
  EXPECT_THAT(described.out, HasSubstr("rows of 4 observations"));
  // And its run's report shows it.
  ASSERT_EQ(Estuary(folder, {"report", "runs/tiny"}).code, 0);
  EXPECT_THAT(ReadFile(folder + "/runs/tiny/report.html"), HasSubstr("On the robot"));
}

}  // namespace
}  // namespace estuary::end_to_end
