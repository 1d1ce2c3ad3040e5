#include "cli/command/flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace estuary::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FlagsTest : public ::testing::Test {
 protected:
  FlagsTest() {
    flags_.Add("name", &name_, "NAME", "names the run");
    flags_.Add("episodes", &episodes_, "N", "episodes");
    flags_.Add("seconds", &seconds_, "S", "how long");
    flags_.Add("resume", &resume_, "goes on");
    flags_.Add("seed", &seed_, "N", "seed");
  }

  absl::Status Parse(const std::vector<std::string>& words) {
    return flags_.Parse(words, &arguments_);
  }
  std::string Error(const std::vector<std::string>& words) {
    return std::string(Parse(words).message());
  }

  Flags flags_;
  std::string name_ = "default";
  uint64_t episodes_ = 10;
  double seconds_ = 30;
  bool resume_ = false;
  std::optional<uint64_t> seed_;
  std::vector<std::string> arguments_;
};

TEST_F(FlagsTest, TakesValuesBothWays) {
  ASSERT_TRUE(Parse({"--name=a=b", "file", "--episodes", "3", "--seconds=.5", "--resume"}).ok());
  EXPECT_EQ(name_, "a=b");
  EXPECT_EQ(episodes_, 3u);
  EXPECT_EQ(seconds_, .5);
  EXPECT_TRUE(resume_);
  EXPECT_FALSE(seed_.has_value());
  EXPECT_THAT(arguments_, ElementsAre("file"));
}

TEST_F(FlagsTest, NegatesABool) {
  resume_ = true;
  ASSERT_TRUE(Parse({"--noresume", "--seed=0"}).ok());
  EXPECT_FALSE(resume_);
  EXPECT_EQ(seed_, 0u);
}

TEST_F(FlagsTest, StopsAtTwoDashes) {
  ASSERT_TRUE(Parse({"--", "--name=x"}).ok());
  EXPECT_THAT(arguments_, ElementsAre("--name=x"));
}

TEST_F(FlagsTest, NamesFlagsLikeTheUnknownOne) {
  EXPECT_THAT(Error({"--sed=1"}), HasSubstr("unknown flag --sed; did you mean --seed?"));
  EXPECT_THAT(Error({"--zzz"}), HasSubstr("--name, --episodes, --seconds, --resume, --seed"));
  EXPECT_THAT(Error({"-n"}), HasSubstr("unknown flag -n"));
}

TEST_F(FlagsTest, NamesAValueThatIsNone) {
  EXPECT_THAT(Error({"--episodes=-1"}), HasSubstr("--episodes is '-1'; it must be a whole number"));
  EXPECT_THAT(Error({"--seconds=nan"}), HasSubstr("--seconds is 'nan'; it must be a number"));
  EXPECT_THAT(Error({"--resume=perhaps"}), HasSubstr("true or false"));
  EXPECT_THAT(Error({"--name"}), HasSubstr("--name needs a value: --name=NAME"));
}

TEST_F(FlagsTest, HelpNamesEveryFlagAndItsDefault) {
  const std::string help = flags_.Help();
  EXPECT_THAT(help, HasSubstr("--name=NAME"));
  EXPECT_THAT(help, HasSubstr("(default 30)"));
  EXPECT_THAT(help, HasSubstr("--resume"));
}

TEST(Near, RanksBySlipsAndKnowsBeginnings) {
  const std::vector<std::string> names = {"train", "dataset describe", "drive", "status"};
  EXPECT_THAT(Near("trian", names), ElementsAre("train"));
  EXPECT_THAT(Near("driv", names), ElementsAre("drive"));
  EXPECT_THAT(Near("data", names), ElementsAre("dataset describe"));
  EXPECT_THAT(Near("xyzzy", names), IsEmpty());
}

}  // namespace
}  // namespace estuary::cli
