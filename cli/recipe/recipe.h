// Recipes of datasets (dataset.proto) found and made ready: their policies read, everything in them
// checked, so that what goes wrong does so before a minute of simulation.
//
// A recipe's name is TASK/LEVEL ("half_cheetah/medium"): the file
// experiments/datasets/TASK/LEVEL.textproto below the working directory. Its dataset belongs to
// datasets/TASK/LEVEL.h5, where the experiments look for it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/policy/policy.h"
#include "estuary/v1/dataset.pb.h"
#include "worlds/world.h"

namespace estuary::cli {

inline constexpr char kRecipesFolder[] = "experiments/datasets";

struct RecipePart {
  // Null: uniform random actions.
  std::shared_ptr<const policy::Policy> policy;
  uint64_t rows = 0;
  uint64_t seed = 0;
};

struct Recipe {
  // "half_cheetah/medium", or what the file is called.
  std::string name;
  std::string path;
  v1::DatasetRecipe text;
  worlds::TaskSpec task;
  std::vector<RecipePart> parts;

  uint64_t rows() const;
  // Null where the recipe has none of so many rows.
  const v1::DatasetChecksum* ChecksumOf(uint64_t rows) const;
};

// The recipes there are: "half_cheetah/medium", sorted.
std::vector<std::string> RecipeNames();

// Is there such a recipe, and not a task of this name?
bool IsRecipe(const std::string& name_or_path);

// `name_or_path`: a recipe's name, or the path of one. NOT_FOUND lists those there are;
// INVALID_ARGUMENT names the file and the part that cannot work; FAILED_PRECONDITION gives the note
// of a recipe without parts: why there is none.
absl::StatusOr<Recipe> ReadRecipe(const std::string& name_or_path);

// "datasets/half_cheetah/medium.h5".
std::string DefaultOutput(const std::string& recipe_name);

// The command that makes the dataset which an experiment of `task` wants at `path`.
std::string CommandThatMakes(const std::string& path, const std::string& task);

}  // namespace estuary::cli
