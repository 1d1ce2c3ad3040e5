// What tells one dataset from another, and what a person should know of one that differs.
#pragma once

#include <cstdint>
#include <string>

#include "cli/recipe/recipe.h"
#include "estuary/v1/dataset.pb.h"
#include "worlds/dataset/columns.h"

namespace estuary::cli {

// Of the first `rows` rows, the last of which ends an episode.
v1::DatasetChecksum ChecksumRows(const worlds::DatasetColumns& columns, uint64_t rows);

// Empty where the recipe has no checksum of so many rows or it is the columns'; otherwise what
// differs and why that may be.
std::string Compare(const Recipe& recipe, const worlds::DatasetColumns& columns,
                    const v1::DatasetChecksum& actual);

}  // namespace estuary::cli
