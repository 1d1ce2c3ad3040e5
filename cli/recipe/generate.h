// Makes a recipe's rows: its policies drive the task's real dynamics, many episodes at once.
//
// Episode i of a part draws from a stream of random numbers of its own, and a part is its episodes
// in order, as many as its rows take: the rows do not depend on how many threads made them.
#pragma once

#include <cstdint>
#include <functional>

#include "absl/status/statusor.h"
#include "cli/recipe/recipe.h"
#include "worlds/dataset/columns.h"

namespace estuary::cli {

struct GenerateOptions {
  // The first so many rows; 0: all. What stands behind them is cut off, as a timeout.
  uint64_t rows = 0;
  // 0: one a processor.
  uint64_t threads = 0;
};

// Told from several threads how many rows there are.
using GenerateProgress = std::function<void(uint64_t rows)>;

absl::StatusOr<worlds::DatasetColumns> Generate(const Recipe& recipe,
                                                const GenerateOptions& options,
                                                const GenerateProgress& progress = nullptr);

}  // namespace estuary::cli
