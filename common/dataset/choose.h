// Part of a dataset, chosen so that it is like the whole.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "common/dataset/dataset.h"

namespace estuary::dataset {

// Rows [first, first + count).
struct Range {
  uint64_t first = 0;
  uint64_t count = 0;
};

// Whole episodes, each as likely as any other, until they hold `rows`; the last one drawn gives its
// first rows only. A file whose rows stand in the order of their making (medium-replay: from the
// worst policy to the best) is so thinned out, not cut off. In the file's order; neighbours are one
// range. The same seed chooses the same, on any machine. Reads the whole file.
// OUT_OF_RANGE names both numbers where the file holds fewer.
absl::StatusOr<std::vector<Range>> ChooseEpisodes(const Reader& reader, uint64_t rows,
                                                  uint64_t seed);

}  // namespace estuary::dataset
