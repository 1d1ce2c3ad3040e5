#include "cli/recipe/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/recipe/checksum.h"
#include "cli/recipe/generate.h"
#include "cli/recipe/recipe_file.h"
#include "common/dataset/dataset.h"
#include "tests/common/policy/policies.h"
#include "worlds/dataset/columns.h"

namespace estuary::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

// Walkers fall at once under policies of random weights: short episodes, many boundaries.
constexpr char kRecipe[] = R"(
  task: "walker2d"
  parts { rows: 700 seed: 1 }
  parts { policy: "a.pb.gz" rows: 500 seed: 2 }
  parts { policy: "b.pb" rows: 300 seed: 3 })";

class RecipeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = absl::StrCat(::testing::TempDir(), "recipe_",
                           ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    WritePolicy("a.pb.gz", "walker2d", 1);
    WritePolicy("b.pb", "walker2d", 2);
  }
  void TearDown() override { fs::remove_all(folder_); }

  void WritePolicy(const std::string& name, const std::string& task, uint64_t seed) {
    ASSERT_TRUE(policy::WritePolicyFile(absl::StrCat(folder_, "/", name),
                                        policy::testing::MakePolicyVersion(
                                            {.task = task, .hidden = {16, 16}, .seed = seed}))
                    .ok());
  }

  absl::StatusOr<Recipe> Read(const std::string& text) {
    path_ = folder_ + "/mine.textproto";
    std::ofstream(path_) << text;
    return ReadRecipe(path_);
  }

  std::string ErrorOf(const std::string& text) {
    return std::string(Read(text).status().message());
  }

  static worlds::DatasetColumns Make(const Recipe& recipe, const GenerateOptions& options = {}) {
    auto columns = Generate(recipe, options);
    EXPECT_TRUE(columns.ok()) << columns.status();
    return *std::move(columns);
  }

  std::string folder_;
  std::string path_;
};

TEST_F(RecipeTest, GivesTheSameBitsWithAnyNumberOfThreads) {
  const auto recipe = Read(kRecipe);
  ASSERT_TRUE(recipe.ok()) << recipe.status();
  const std::string one = ChecksumRows(Make(*recipe, {.threads = 1}), 1500).sha256();
  for (const uint64_t threads : {1, 2, 5}) {
    EXPECT_EQ(ChecksumRows(Make(*recipe, {.threads = threads}), 1500).sha256(), one) << threads;
  }
}

TEST_F(RecipeTest, MakesTheBeginningWhereFewerRowsAreAsked) {
  const auto recipe = Read(kRecipe);
  ASSERT_TRUE(recipe.ok());
  const worlds::DatasetColumns whole = Make(*recipe);
  for (const uint64_t rows : {1, 699, 700, 1201}) {
    const worlds::DatasetColumns beginning = Make(*recipe, {.rows = rows});
    ASSERT_EQ(beginning.size(), rows);
    EXPECT_EQ(ChecksumRows(beginning, rows).sha256(), ChecksumRows(whole, rows).sha256()) << rows;
  }
  EXPECT_THAT(std::string(Generate(*recipe, {.rows = 1501}).status().message()),
              HasSubstr("makes 1500 transitions, not 1501"));
}

TEST_F(RecipeTest, EndsTheEpisodeWhereAPartEnds) {
  const auto recipe = Read(kRecipe);
  ASSERT_TRUE(recipe.ok());
  const worlds::DatasetColumns rows = Make(*recipe);
  for (const size_t last : {699, 1199, 1499})
    EXPECT_TRUE(rows.terminal[last] || rows.timeout[last]);
  const size_t obs = rows.observation_dim;
  for (size_t i = 0; i + 1 < rows.size(); ++i) {
    if (rows.terminal[i] || rows.timeout[i]) continue;
    ASSERT_TRUE(std::equal(&rows.next_observation[i * obs], &rows.next_observation[(i + 1) * obs],
                           &rows.observation[(i + 1) * obs]))
        << "row " << i + 1 << " does not follow row " << i;
  }
}

TEST_F(RecipeTest, OtherSeedsMakeOtherRows) {
  const auto one = Read(R"(task: "walker2d" parts { rows: 50 seed: 1 })");
  const auto two = Read(R"(task: "walker2d" parts { rows: 50 seed: 2 })");
  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_NE(Make(*one).action, Make(*two).action);
}

TEST_F(RecipeTest, WritesWhatReadersOfD4rlRead) {
  const auto recipe = Read(kRecipe);
  ASSERT_TRUE(recipe.ok());
  const worlds::DatasetColumns rows = Make(*recipe, {.rows = 1000});
  const std::string path = folder_ + "/rows.h5";
  ASSERT_TRUE(worlds::WriteD4rl(path, rows, {.task = "walker2d", .generator = "recipe"}).ok());
  const auto reader = dataset::Reader::Open(path);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ(reader->info().layout, "D4RL");
  EXPECT_TRUE(reader->info().has_timeouts);
  EXPECT_TRUE(reader->CheckFits("walker2d", 17, 6).ok());
  EXPECT_TRUE(dataset::CheckRows(*reader, 1000).ok());
  dataset::Batch batch;
  ASSERT_TRUE(reader->Read(0, 1000, batch).ok());
  EXPECT_EQ(batch.observations, rows.observation);
  EXPECT_EQ(batch.actions, rows.action);
}

TEST_F(RecipeTest, KeepsAChecksumInItsFile) {
  auto recipe = Read(kRecipe);
  ASSERT_TRUE(recipe.ok());
  const worlds::DatasetColumns rows = Make(*recipe, {.rows = 100});
  const v1::DatasetChecksum checksum = ChecksumRows(rows, 100);
  ASSERT_TRUE(WriteChecksum(*recipe, checksum).ok());
  recipe = ReadRecipe(path_);
  ASSERT_TRUE(recipe.ok()) << recipe.status();
  EXPECT_EQ(recipe->rows(), 1500u);
  ASSERT_NE(recipe->ChecksumOf(100), nullptr);
  EXPECT_EQ(recipe->ChecksumOf(100)->sha256(), checksum.sha256());
  EXPECT_EQ(Compare(*recipe, rows, checksum), "");
  // Again: instead of the first.
  ASSERT_TRUE(WriteChecksum(*recipe, checksum).ok());
  EXPECT_EQ(ReadRecipe(path_)->text.checksums_size(), 1);
}

TEST_F(RecipeTest, SaysWhatDiffersFromTheChecksum) {
  auto recipe = Read(kRecipe);
  ASSERT_TRUE(recipe.ok());
  worlds::DatasetColumns rows = Make(*recipe, {.rows = 200});
  ASSERT_TRUE(WriteChecksum(*recipe, ChecksumRows(rows, 100)).ok());
  recipe = ReadRecipe(path_);
  ASSERT_TRUE(WriteChecksum(*recipe, ChecksumRows(rows, 200)).ok());
  recipe = ReadRecipe(path_);
  const std::string expected = recipe->ChecksumOf(200)->sha256();
  rows.reward[150] += 1;
  const v1::DatasetChecksum actual = ChecksumRows(rows, 200);
  const std::string difference = Compare(*recipe, rows, actual);
  EXPECT_THAT(difference, HasSubstr(expected));
  EXPECT_THAT(difference, HasSubstr(actual.sha256()));
  EXPECT_THAT(difference, HasSubstr("the first 100 rows are equal"));
  rows.reward[50] += 1;
  EXPECT_THAT(Compare(*recipe, rows, ChecksumRows(rows, 200)), HasSubstr("no beginning"));
}

TEST_F(RecipeTest, NamesThePartThatCannotWork) {
  EXPECT_THAT(ErrorOf(R"(task: "walker2d" parts { rows: 0 })"), HasSubstr("part 1 is of 0 rows"));
  EXPECT_THAT(ErrorOf(R"(task: "walker2d" note: "not trained")"),
              AllOf(HasSubstr("no parts"), HasSubstr("not trained")));
  EXPECT_THAT(ErrorOf(R"(task: "walk" parts { rows: 1 })"), HasSubstr("walker2d"));
  EXPECT_THAT(ErrorOf(R"(task: "walker2d" levels { rows: 1 })"), HasSubstr("mine.textproto:1"));
  EXPECT_THAT(ErrorOf(R"(task: "walker2d" parts { policy: "c.pb" rows: 1 })"),
              AllOf(HasSubstr("part 1"), HasSubstr("c.pb")));
  EXPECT_THAT(ErrorOf(R"(task: "walker2d" parts { rows: 1 seed: 4 } parts { rows: 2 seed: 4 })"),
              HasSubstr("part 2 has the policy and the seed (4) of a part before it"));
  EXPECT_THAT(ErrorOf(R"(task: "half_cheetah" parts { policy: "b.pb" rows: 1 })"),
              AllOf(HasSubstr("'walker2d'"), HasSubstr("'half_cheetah'")));
}

TEST_F(RecipeTest, RefusesADamagedPolicy) {
  fs::resize_file(folder_ + "/a.pb.gz", fs::file_size(folder_ + "/a.pb.gz") / 2);
  EXPECT_THAT(ErrorOf(kRecipe), AllOf(HasSubstr("part 2"), HasSubstr("a.pb.gz")));
}

TEST_F(RecipeTest, RefusesMoreThreadsThanThereMayBe) {
  const auto recipe = Read(kRecipe);
  ASSERT_TRUE(recipe.ok());
  EXPECT_THAT(std::string(Generate(*recipe, {.threads = 1000}).status().message()),
              HasSubstr("--threads is 1000"));
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t kMostRows = 0;
#else
constexpr uint64_t kMostRows = 500'000;
#endif

// Those that come with the project; they are found from its folder.
class OurRecipes : public ::testing::Test {
 protected:
  void SetUp() override { fs::current_path(ESTUARY_SOURCE_DIR); }
};

TEST_F(OurRecipes, AreListedWhereANameIsWrong) {
  EXPECT_THAT(std::string(ReadRecipe("half_cheetah/mediocre").status().message()),
              AllOf(HasSubstr("half_cheetah/mediocre"), HasSubstr("half_cheetah/medium, "),
                    HasSubstr("walker2d/random")));
}

// The sums are of processors that fuse multiplication and addition, as nearly all do.
TEST_F(OurRecipes, MakeTheBitsThatTheyMadeWhereTheyWereWritten) {
#if !defined(__x86_64__) || !defined(__OPTIMIZE__)
  GTEST_SKIP() << "rounds otherwise than an optimized build for x86-64";
#else
  if (!__builtin_cpu_supports("fma")) GTEST_SKIP() << "this processor has no FMA";
  ASSERT_THAT(RecipeNames(), Not(::testing::IsEmpty()));
  for (const std::string& name : RecipeNames()) {
    const auto recipe = ReadRecipe(name);
    if (absl::IsFailedPrecondition(recipe.status())) continue;
    ASSERT_TRUE(recipe.ok()) << recipe.status();
    EXPECT_NE(recipe->ChecksumOf(recipe->rows()), nullptr) << name << " has no checksum";
    // A buffer is short enough to be made as a whole, with all of its policies.
    const uint64_t rows = recipe->rows() <= kMostRows ? recipe->rows() : 3000;
    ASSERT_NE(recipe->ChecksumOf(rows), nullptr) << name << ", " << rows << " rows";
    const auto columns = Generate(*recipe, {.rows = rows});
    ASSERT_TRUE(columns.ok()) << columns.status();
    EXPECT_EQ(Compare(*recipe, *columns, ChecksumRows(*columns, rows)), "");
  }
#endif
}

TEST_F(OurRecipes, MakeMediumExpertOfMediumAndExpert) {
  for (const std::string task : {"half_cheetah", "walker2d"}) {
    const auto both = ReadRecipe(task + "/medium_expert");
    if (!both.ok()) continue;
    ASSERT_EQ(both->text.parts_size(), 2);
    for (int i = 0; i < 2; ++i) {
      const auto one = ReadRecipe(task + (i == 0 ? "/medium" : "/expert"));
      ASSERT_TRUE(one.ok()) << one.status();
      EXPECT_EQ(both->text.parts(i).policy(), one->text.parts(0).policy());
      EXPECT_EQ(both->text.parts(i).rows(), one->text.parts(0).rows());
      EXPECT_EQ(both->text.parts(i).seed(), one->text.parts(0).seed());
    }
  }
}

TEST_F(OurRecipes, AreNamedWhereADatasetIsMissing) {
  EXPECT_EQ(CommandThatMakes("datasets/half_cheetah/medium.h5", "half_cheetah"),
            "estuary dataset generate half_cheetah/medium");
  EXPECT_EQ(CommandThatMakes("/tmp/random.h5", "half_cheetah"),
            "estuary dataset generate half_cheetah/random --output=/tmp/random.h5");
  EXPECT_EQ(CommandThatMakes("d.h5", "wheel_legged_stand"),
            "estuary dataset generate wheel_legged_stand --output=d.h5");
}

}  // namespace
}  // namespace estuary::cli
