#include "cli/recipe/recipe.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/process/status.h"
#include "common/process/textproto.h"

namespace estuary::cli {
namespace {

namespace fs = std::filesystem;

constexpr char kEnding[] = ".textproto";
constexpr char kDatasetsFolder[] = "datasets";
constexpr char kDatasetEnding[] = ".h5";
// The columns stay in memory until they are written.
constexpr uint64_t kMostRows = 50'000'000;

std::string PathOf(const std::string& name) {
  return absl::StrCat(kRecipesFolder, "/", name, kEnding);
}

absl::StatusOr<std::string> Find(const std::string& name_or_path) {
  std::error_code error;
  if (fs::is_regular_file(name_or_path, error)) return name_or_path;
  const std::string path = PathOf(name_or_path);
  if (fs::is_regular_file(path, error)) return path;
  const std::vector<std::string> names = RecipeNames();
  return absl::NotFoundError(absl::StrCat(
      "there is no recipe '", name_or_path, "' (neither a file nor ", path, "); ",
      names.empty() ? absl::StrCat("there is no folder ", kRecipesFolder,
                                   " below the working directory: run this where the project is")
                    : absl::StrCat("there are: ", absl::StrJoin(names, ", "))));
}

// The name of a recipe that lies where recipes do, otherwise the path without its ending.
std::string NameOf(const std::string& path) {
  const fs::path file(path);
  const std::string name =
      absl::StrCat(file.parent_path().filename().string(), "/", file.stem().string());
  std::error_code error;
  if (fs::equivalent(path, PathOf(name), error)) return name;
  return (file.parent_path() / file.stem()).string();
}

absl::StatusOr<std::shared_ptr<const policy::Policy>> ReadPolicy(const std::string& path,
                                                                 const worlds::TaskSpec& task) {
  ESTUARY_ASSIGN_OR_RETURN(const v1::PolicyVersion version, policy::ReadPolicyFile(path));
  const auto policy = policy::Policy::FromProto(version);
  ESTUARY_RETURN_IF_ERROR(process::Annotate(policy.status(), path));
  ESTUARY_RETURN_IF_ERROR(process::Annotate(
      (*policy)->CheckFits(task.name, task.observation_dim, task.action_dim), path));
  return *policy;
}

absl::Status ReadParts(Recipe& recipe) {
  const fs::path folder = fs::path(recipe.path).parent_path();
  std::map<std::string, std::shared_ptr<const policy::Policy>> policies;
  std::set<std::pair<std::string, uint64_t>> seen;
  for (int i = 0; i < recipe.text.parts_size(); ++i) {
    const v1::DatasetPart& text = recipe.text.parts(i);
    const std::string where = absl::StrCat(recipe.path, ", part ", i + 1);
    if (text.rows() == 0 || text.rows() > kMostRows) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, " is of ", text.rows(), " rows; it may be 1 to ", kMostRows));
    }
    if (!seen.emplace(text.policy(), text.seed()).second) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, " has the policy and the seed (", text.seed(),
                       ") of a part before it: its rows would be the same again"));
    }
    RecipePart part = {.policy = nullptr, .rows = text.rows(), .seed = text.seed()};
    if (!text.policy().empty()) {
      auto [place, added] = policies.try_emplace(text.policy());
      if (added) {
        auto policy = ReadPolicy((folder / text.policy()).string(), recipe.task);
        ESTUARY_RETURN_IF_ERROR(process::Annotate(policy.status(), where));
        place->second = *std::move(policy);
      }
      part.policy = place->second;
    }
    recipe.parts.push_back(std::move(part));
  }
  return absl::OkStatus();
}

}  // namespace

uint64_t Recipe::rows() const {
  uint64_t rows = 0;
  for (const v1::DatasetPart& part : text.parts()) rows += part.rows();
  return rows;
}

const v1::DatasetChecksum* Recipe::ChecksumOf(uint64_t rows) const {
  for (const v1::DatasetChecksum& checksum : text.checksums()) {
    if (checksum.rows() == rows) return &checksum;
  }
  return nullptr;
}

std::vector<std::string> RecipeNames() {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& task : fs::directory_iterator(kRecipesFolder, error)) {
    std::error_code no_folder;
    for (const auto& level : fs::directory_iterator(task.path(), no_folder)) {
      if (level.path().extension() != kEnding) continue;
      names.push_back(
          absl::StrCat(task.path().filename().string(), "/", level.path().stem().string()));
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool IsRecipe(const std::string& name_or_path) {
  return absl::StrContains(name_or_path, '/') || absl::EndsWith(name_or_path, kEnding);
}

absl::StatusOr<Recipe> ReadRecipe(const std::string& name_or_path) {
  Recipe recipe;
  ESTUARY_ASSIGN_OR_RETURN(recipe.path, Find(name_or_path));
  recipe.name = NameOf(recipe.path);
  ESTUARY_RETURN_IF_ERROR(process::ReadTextProto(recipe.path, &recipe.text));
  if (recipe.text.parts().empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(recipe.path, " has no parts to make a dataset of: ", recipe.text.note()));
  }
  auto task = worlds::FindTask(recipe.text.task());
  ESTUARY_RETURN_IF_ERROR(process::Annotate(task.status(), recipe.path));
  recipe.task = *std::move(task);
  ESTUARY_RETURN_IF_ERROR(ReadParts(recipe));
  if (recipe.rows() > kMostRows) {
    return absl::InvalidArgumentError(absl::StrCat(recipe.path, " is of ", recipe.rows(),
                                                   " rows; a dataset has at most ", kMostRows));
  }
  return recipe;
}

std::string DefaultOutput(const std::string& recipe_name) {
  return absl::StrCat(kDatasetsFolder, "/", recipe_name, kDatasetEnding);
}

std::string CommandThatMakes(const std::string& path, const std::string& task) {
  const fs::path file(path);
  const std::string level = absl::StrCat(task, "/", file.stem().string());
  std::error_code error;
  const bool has_recipe = fs::is_regular_file(PathOf(level), error);
  const std::string what = has_recipe ? level : task;
  const bool default_place =
      has_recipe && fs::absolute(path).lexically_normal() == fs::absolute(DefaultOutput(level));
  return absl::StrCat("estuary dataset generate ", what,
                      default_place ? "" : absl::StrCat(" --output=", path));
}

}  // namespace estuary::cli
