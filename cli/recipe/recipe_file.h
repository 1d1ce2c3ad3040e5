// Recipes written: by what reads a run's checkpoints, and checksums once a dataset is made.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "cli/recipe/recipe.h"
#include "estuary/v1/dataset.pb.h"

namespace estuary::cli {

// A line a part. What a person has to say belongs to `note`: comments are not kept.
absl::Status WriteRecipe(const std::string& path, const v1::DatasetRecipe& recipe);

// To the recipe's file, instead of the one of as many rows.
absl::Status WriteChecksum(const Recipe& recipe, const v1::DatasetChecksum& checksum);

}  // namespace estuary::cli
