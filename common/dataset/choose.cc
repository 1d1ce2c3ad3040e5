#include "common/dataset/choose.h"

#include <algorithm>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/process/status.h"

namespace estuary::dataset {
namespace {

absl::StatusOr<std::vector<Range>> Episodes(const Reader& reader) {
  const uint64_t rows = reader.info().rows;
  std::vector<Range> episodes;
  Range episode;
  Batch batch;
  while (episode.first + episode.count < rows) {
    const uint64_t first = episode.first + episode.count;
    ESTUARY_RETURN_IF_ERROR(
        reader.Read(first, std::min<uint64_t>(reader.rows_at_once(), rows - first), batch));
    for (size_t i = 0; i < batch.rows; ++i) {
      ++episode.count;
      if (!batch.EndsEpisode(i)) continue;
      episodes.push_back(episode);
      episode = {first + i + 1, 0};
    }
  }
  if (episode.count > 0) episodes.push_back(episode);
  return episodes;
}

// std::shuffle may differ between standard libraries; the generator itself may not.
void Shuffle(std::vector<Range>& episodes, uint64_t seed) {
  std::mt19937_64 random(seed);
  for (size_t i = episodes.size(); i > 1; --i) {
    // The bias of the remainder is below i / 2^64.
    std::swap(episodes[i - 1], episodes[random() % i]);
  }
}

}  // namespace

absl::StatusOr<std::vector<Range>> ChooseEpisodes(const Reader& reader, uint64_t rows,
                                                  uint64_t seed) {
  if (rows > reader.info().rows) {
    return absl::OutOfRangeError(absl::StrCat(rows, " rows are asked for, and ", reader.path(),
                                              " holds ", reader.info().rows));
  }
  ESTUARY_ASSIGN_OR_RETURN(std::vector<Range> episodes, Episodes(reader));
  Shuffle(episodes, seed);
  size_t chosen = 0;
  for (uint64_t missing = rows; missing > 0; ++chosen) {
    episodes[chosen].count = std::min(episodes[chosen].count, missing);
    missing -= episodes[chosen].count;
  }
  episodes.resize(chosen);
  std::sort(episodes.begin(), episodes.end(),
            [](const Range& a, const Range& b) { return a.first < b.first; });
  std::vector<Range> ranges;
  for (const Range& episode : episodes) {
    if (!ranges.empty() && ranges.back().first + ranges.back().count == episode.first) {
      ranges.back().count += episode.count;
    } else {
      ranges.push_back(episode);
    }
  }
  return ranges;
}

}  // namespace estuary::dataset
