#include "common/dataset/summary.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "common/process/status.h"

namespace estuary::dataset {
namespace {

// Welford's running mean and variance.
class Running {
 public:
  void Add(double value) {
    ++count_;
    const double delta = value - mean_;
    mean_ += delta / static_cast<double>(count_);
    squares_ += delta * (value - mean_);
    min_ = std::min(min_, value);
    max_ = std::max(max_, value);
  }
  Moments Result() const {
    if (count_ == 0) return {};
    return {mean_, std::sqrt(squares_ / static_cast<double>(count_)), min_, max_};
  }

 private:
  uint64_t count_ = 0;
  double mean_ = 0;
  double squares_ = 0;
  double min_ = std::numeric_limits<double>::infinity();
  double max_ = -std::numeric_limits<double>::infinity();
};

// Calls visit(batch, i) for every good row, and bad(row) for the others.
template <typename Visit, typename Bad>
absl::Status ForEachRow(const Reader& reader, const Visit& visit, const Bad& bad,
                        const Progress& progress, uint64_t done_before) {
  Batch batch;
  const uint64_t rows = reader.info().rows;
  const size_t at_once = reader.rows_at_once();
  for (uint64_t first = 0; first < rows; first += at_once) {
    ESTUARY_RETURN_IF_ERROR(reader.Read(first, std::min<uint64_t>(at_once, rows - first), batch));
    std::optional<BadRow> next_bad = FindBadRow(batch);
    for (size_t i = 0; i < batch.rows; ++i) {
      if (!next_bad || next_bad->row != batch.first + i) {
        visit(batch, i);
        continue;
      }
      bad(*next_bad);
      next_bad = FindBadRow(batch, i + 1);
    }
    if (progress != nullptr) progress(done_before + first + batch.rows);
  }
  return absl::OkStatus();
}

// Empty bins between the lowest and the highest value.
Histogram Bins(const Moments& moments, int bins) {
  return {moments.min, moments.max, std::vector<uint64_t>(bins)};
}

void Count(double value, Histogram& histogram) {
  const int bins = static_cast<int>(histogram.counts.size());
  const double width = (histogram.high - histogram.low) / bins;
  const double position = width > 0 ? (value - histogram.low) / width : 0;
  ++histogram.counts[std::clamp(static_cast<int>(position), 0, bins - 1)];
}

std::array<double, 3> Quartiles(std::vector<double> values) {
  std::array<double, 3> quartiles = {};
  if (values.empty()) return quartiles;
  std::sort(values.begin(), values.end());
  for (size_t i = 0; i < quartiles.size(); ++i) {
    const double place = static_cast<double>((i + 1) * (values.size() - 1)) / 4;
    const auto below = static_cast<size_t>(place);
    const size_t above = std::min(below + 1, values.size() - 1);
    quartiles[i] =
        values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
  }
  return quartiles;
}

std::vector<Moments> Results(const std::vector<Running>& running) {
  std::vector<Moments> moments;
  for (const Running& r : running) moments.push_back(r.Result());
  return moments;
}

}  // namespace

absl::StatusOr<Summary> Summarize(const Reader& reader, int histogram_bins,
                                  const Progress& progress) {
  Summary summary;
  summary.info = reader.info();
  Running reward;
  Running return_moments;
  std::vector<double> returns;
  std::vector<Running> observation(summary.info.observation_dim);
  std::vector<Running> action(summary.info.action_dim);
  double episode_return = 0;
  bool in_episode = false;
  const auto end_episode = [&] {
    return_moments.Add(episode_return);
    returns.push_back(episode_return);
    ++summary.episodes;
    episode_return = 0;
    in_episode = false;
  };
  std::vector<float> led_to;
  ESTUARY_RETURN_IF_ERROR(ForEachRow(
      reader,
      [&](const Batch& batch, size_t i) {
        const size_t obs = observation.size();
        const auto at = batch.observations.begin() + i * obs;
        if (in_episode && !std::equal(led_to.begin(), led_to.end(), at)) ++summary.jumps;
        led_to.assign(batch.next_observations.begin() + i * obs,
                      batch.next_observations.begin() + (i + 1) * obs);
        for (size_t j = 0; j < observation.size(); ++j) {
          observation[j].Add(batch.observations[i * observation.size() + j]);
        }
        for (size_t j = 0; j < action.size(); ++j) {
          action[j].Add(batch.actions[i * action.size() + j]);
        }
        reward.Add(batch.rewards[i]);
        episode_return += batch.rewards[i];
        in_episode = true;
        if (batch.terminals[i] != 0) {
          ++summary.terminals;
        } else if (batch.timeouts[i] != 0) {
          ++summary.timeouts;
        }
        if (batch.EndsEpisode(i)) end_episode();
      },
      [&](const BadRow& bad) {
        ++summary.bad_rows;
        if (!summary.first_bad) summary.first_bad = bad;
      },
      progress, 0));
  if (in_episode) end_episode();
  summary.reward = reward.Result();
  summary.episode_return = return_moments.Result();
  summary.returns = Bins(summary.episode_return, histogram_bins);
  for (const double value : returns) Count(value, summary.returns);
  summary.return_quartiles = Quartiles(std::move(returns));
  summary.observation = Results(observation);
  summary.action = Results(action);

  summary.rewards = Bins(summary.reward, histogram_bins);
  ESTUARY_RETURN_IF_ERROR(ForEachRow(
      reader, [&](const Batch& batch, size_t i) { Count(batch.rewards[i], summary.rewards); },
      [](const BadRow&) {}, progress, summary.info.rows));
  return summary;
}

}  // namespace estuary::dataset
