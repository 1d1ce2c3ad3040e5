// What a dataset holds, in figures a person can judge it by.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/dataset/dataset.h"

namespace estuary::dataset {

struct Moments {
  double mean = 0;
  double std = 0;
  double min = 0;
  double max = 0;
};

struct Histogram {
  double low = 0;
  double high = 0;
  // Equal bins over [low, high]; the last one includes `high`.
  std::vector<uint64_t> counts;
};

struct Summary {
  Info info;
  // The last one counts although nothing may have ended it.
  uint64_t episodes = 0;
  // Rows whose s' is terminal (falls, for the robots), and rows where an episode was cut.
  uint64_t terminals = 0;
  uint64_t timeouts = 0;
  // Where an episode goes on by its flags, but the next row's observation is not what this one led
  // to.
  uint64_t jumps = 0;
  // Undiscounted, of every episode.
  Moments episode_return;
  // 25 %, 50 % and 75 % of the episodes have a lower one (between two episodes': the line between).
  std::array<double, 3> return_quartiles = {};
  Histogram returns;
  Moments reward;
  std::vector<Moments> observation;
  std::vector<Moments> action;
  Histogram rewards;
  // Rows that FindBadRow names; they are in none of the figures above.
  uint64_t bad_rows = 0;
  std::optional<BadRow> first_bad;
};

// Reads the file twice, a batch at a time: `progress` reaches twice its rows.
absl::StatusOr<Summary> Summarize(const Reader& reader, int histogram_bins,
                                  const Progress& progress = nullptr);

}  // namespace estuary::dataset
