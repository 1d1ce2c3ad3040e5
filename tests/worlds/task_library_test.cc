// What is refused as a task library, and in which words. One that works is what
// docs/your-simulator.md makes.
#include "worlds/task_library.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"

namespace estuary::worlds {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string Refusal(const std::string& paths) {
  const auto libraries = LoadTaskLibraries(paths);
  return libraries.ok() ? "" : std::string(libraries.status().message());
}

TEST(TaskLibrary, MayBeNone) {
  const auto libraries = LoadTaskLibraries("");
  ASSERT_TRUE(libraries.ok()) << libraries.status();
  EXPECT_TRUE(libraries->empty());
}

TEST(TaskLibrary, ThatIsMissingIsNamedWhole) {
  EXPECT_THAT(Refusal("missing.so"),
              AllOf(HasSubstr(std::filesystem::current_path().string() + "/missing.so"),
                    HasSubstr("$ESTUARY_TASK_LIBRARY")));
}

TEST(TaskLibrary, ThatIsNoLibraryIsRefused) {
  const std::string path = absl::StrCat(::testing::TempDir(), "no_library.so");
  std::ofstream(path) << "text";
  EXPECT_THAT(Refusal(path), HasSubstr("cannot be loaded"));
  std::filesystem::remove(path);
}

TEST(TaskLibrary, WithoutATaskIsRefused) {
  EXPECT_THAT(Refusal(WITHOUT_A_TASK), HasSubstr("scripts/build_task FOLDER makes one"));
}

TEST(TaskLibrary, OfOtherHeadersIsRefused) {
  EXPECT_THAT(Refusal(OF_OTHER_HEADERS),
              AllOf(HasSubstr("was built from headers other, this binary from "),
                    HasSubstr("build both again")));
}

TEST(TaskLibrary, IsLookedAtInTheOrderOfTheList) {
  EXPECT_THAT(Refusal(absl::StrCat(OF_OTHER_HEADERS, ":missing.so")), HasSubstr("headers other"));
}

}  // namespace
}  // namespace estuary::worlds
