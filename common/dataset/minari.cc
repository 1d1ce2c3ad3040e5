// Minari's layout (0.5 and later, HDF5): a group an episode.
#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/dataset/layout.h"
#include "common/process/status.h"

namespace estuary::dataset {
namespace {

struct Episode {
  uint64_t number = 0;
  uint64_t first_row = 0;
};

class Minari : public Layout {
 public:
  Minari(hdf5::File file, Info info, std::vector<Episode> episodes)
      : file_(std::move(file)), info_(std::move(info)), episodes_(std::move(episodes)) {}

  Info info() const override { return info_; }

  std::string Where(uint64_t row) const override {
    const Episode& episode = episodes_[Find(row)];
    return absl::StrCat("row ", row, " (episode_", episode.number, ", step ",
                        row - episode.first_row, ")");
  }

  absl::Status Read(Batch& batch) const override {
    const size_t obs = batch.observation_dim;
    size_t at = Find(batch.first);
    for (size_t done = 0; done < batch.rows; ++at) {
      const uint64_t end = at + 1 < episodes_.size() ? episodes_[at + 1].first_row : info_.rows;
      const uint64_t step = batch.first + done - episodes_[at].first_row;
      const uint64_t count = std::min<uint64_t>(end - (batch.first + done), batch.rows - done);
      const std::string group = absl::StrCat("episode_", episodes_[at].number, "/");
      const auto read = [&](const char* name, uint64_t first, size_t width, auto& values) {
        return ReadInto(file_, absl::StrCat(group, name), first, count, done, width, values);
      };
      ESTUARY_RETURN_IF_ERROR(read("observations", step, obs, batch.observations));
      ESTUARY_RETURN_IF_ERROR(read("observations", step + 1, obs, batch.next_observations));
      ESTUARY_RETURN_IF_ERROR(read("actions", step, batch.action_dim, batch.actions));
      ESTUARY_RETURN_IF_ERROR(read("rewards", step, 1, batch.rewards));
      ESTUARY_RETURN_IF_ERROR(read("terminations", step, 1, batch.terminals));
      ESTUARY_RETURN_IF_ERROR(read("truncations", step, 1, batch.timeouts));
      done += count;
      // An episode that just stops was cut.
      if (batch.first + done == end && batch.terminals[done - 1] == 0)
        batch.timeouts[done - 1] |= 1;
    }
    return absl::OkStatus();
  }

 private:
  size_t Find(uint64_t row) const {
    const auto after =
        std::upper_bound(episodes_.begin(), episodes_.end(), row,
                         [](uint64_t r, const Episode& e) { return r < e.first_row; });
    return after - episodes_.begin() - 1;
  }

  const hdf5::File file_;
  const Info info_;
  // In order, none empty.
  const std::vector<Episode> episodes_;
};

// Steps of an episode, whose arrays must have the first one's widths.
absl::StatusOr<uint64_t> CheckEpisode(const hdf5::File& file, const std::string& group,
                                      Info& info) {
  const auto name = [&group](const char* array) { return absl::StrCat(group, "/", array); };
  ESTUARY_ASSIGN_OR_RETURN(const hdf5::Shape observations,
                           ArrayShape(file, name("observations"), 2));
  ESTUARY_ASSIGN_OR_RETURN(const hdf5::Shape actions, ArrayShape(file, name("actions"), 2));
  if (info.observation_dim == 0) {
    info.observation_dim = static_cast<int>(observations[1]);
    info.action_dim = static_cast<int>(actions[1]);
  }
  const uint64_t steps = actions[0];
  ESTUARY_RETURN_IF_ERROR(file.ExpectShape(
      name("observations"), {steps + 1, static_cast<uint64_t>(info.observation_dim)}));
  ESTUARY_RETURN_IF_ERROR(
      file.ExpectShape(name("actions"), {steps, static_cast<uint64_t>(info.action_dim)}));
  for (const char* array : {"rewards", "terminations", "truncations"}) {
    ESTUARY_RETURN_IF_ERROR(ArrayShape(file, name(array), 1).status());
    ESTUARY_RETURN_IF_ERROR(file.ExpectShape(name(array), {steps}));
  }
  return steps;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Layout>> OpenMinari(hdf5::File file) {
  ESTUARY_ASSIGN_OR_RETURN(const std::vector<std::string> names, file.List("/"));
  std::vector<Episode> episodes;
  for (absl::string_view name : names) {
    Episode episode;
    if (absl::ConsumePrefix(&name, "episode_") && absl::SimpleAtoi(name, &episode.number)) {
      episodes.push_back(episode);
    }
  }
  std::sort(episodes.begin(), episodes.end(),
            [](const Episode& a, const Episode& b) { return a.number < b.number; });
  Info info;
  info.layout = "Minari";
  info.has_timeouts = true;
  std::vector<Episode> used;
  for (Episode& episode : episodes) {
    ESTUARY_ASSIGN_OR_RETURN(const uint64_t steps,
                             CheckEpisode(file, absl::StrCat("episode_", episode.number), info));
    if (steps == 0) continue;
    episode.first_row = info.rows;
    info.rows += steps;
    used.push_back(episode);
  }
  if (info.rows == 0) {
    return absl::InvalidArgumentError(absl::StrCat(file.path(), " holds no steps"));
  }
  return std::make_unique<Minari>(std::move(file), std::move(info), std::move(used));
}

}  // namespace estuary::dataset
