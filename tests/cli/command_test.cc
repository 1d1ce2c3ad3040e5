#include "cli/command/command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "cli/commands/commands.h"

namespace estuary::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Called {
  std::string name;
  uint64_t seed = 0;
  std::vector<std::string> arguments;
};

class CommandTest : public ::testing::Test {
 protected:
  Command Make(const std::string& name, const std::string& arguments) {
    return {.name = name,
            .arguments = arguments,
            .summary = "does " + name,
            .details = "",
            .prepare = [this, name](Flags& flags) -> Command::Run {
              auto seed = std::make_shared<uint64_t>(1);
              flags.Add("seed", seed.get(), "N", "seed");
              return [this, name, seed](const std::vector<std::string>& words) {
                called_ = {name, *seed, words};
                return absl::OkStatus();
              };
            }};
  }

  std::string Error(const std::vector<std::string>& words) {
    return std::string(Dispatch(commands_, words).message());
  }

  Called called_;
  std::vector<Command> commands_ = {Make("train", "EXPERIMENT"), Make("dataset generate", "TASK"),
                                    Make("dataset describe", "FILE"), Make("report", "RUN...")};
};

TEST_F(CommandTest, CallsTheOneThatIsNamed) {
  ASSERT_TRUE(Dispatch(commands_, {"dataset", "describe", "f.h5", "--seed=3"}).ok());
  EXPECT_EQ(called_.name, "dataset describe");
  EXPECT_EQ(called_.seed, 3u);
  EXPECT_THAT(called_.arguments, ElementsAre("f.h5"));
}

TEST_F(CommandTest, TakesAnyNumberWhereItSaysSo) {
  ASSERT_TRUE(Dispatch(commands_, {"report", "a", "b", "c"}).ok());
  EXPECT_THAT(called_.arguments, ElementsAre("a", "b", "c"));
}

TEST_F(CommandTest, NamesCommandsLikeTheUnknownOne) {
  EXPECT_EQ(Error({"trian"}), "unknown command 'trian'; did you mean estuary train?");
  EXPECT_THAT(Error({"frobnicate"}), HasSubstr("`estuary --help` lists them"));
}

TEST_F(CommandTest, NamesTheFamilyOfAHalfCommand) {
  EXPECT_EQ(Error({"dataset"}),
            "'estuary dataset' needs one more word: estuary dataset generate, estuary dataset "
            "describe");
  EXPECT_THAT(Error({"dataset", "paint"}), HasSubstr("unknown command 'dataset paint'"));
}

TEST_F(CommandTest, NamesAMissingAndASuperfluousArgument) {
  EXPECT_EQ(Error({"train"}), "estuary train needs EXPERIMENT: estuary train EXPERIMENT");
  EXPECT_THAT(Error({"train", "a", "b"}), HasSubstr("unexpected argument 'b'"));
  EXPECT_THAT(Error({"report"}), HasSubstr("needs RUN..."));
  EXPECT_EQ(called_.name, "");
}

TEST_F(CommandTest, HelpRunsNothing) {
  EXPECT_TRUE(Dispatch(commands_, {"train", "--help"}).ok());
  EXPECT_TRUE(Dispatch(commands_, {}).ok());
  EXPECT_TRUE(Dispatch(commands_, {"dataset", "--help"}).ok());
  EXPECT_EQ(called_.name, "");
}

TEST(AllCommands, EachHasItsOwnNameAndHelp) {
  const std::vector<Command> commands = AllCommands();
  std::set<std::string> names;
  for (const Command& command : commands) {
    EXPECT_TRUE(names.insert(command.name).second) << command.name;
    EXPECT_FALSE(command.summary.empty()) << command.name;
    Flags flags;
    EXPECT_TRUE(command.prepare(flags) != nullptr) << command.name;
  }
  EXPECT_GE(commands.size(), 10u);
}

}  // namespace
}  // namespace estuary::cli
