#include "common/client/replay_sampler.h"

#include <random>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "common/client/replay_sampler_shard.h"

namespace estuary::client {

class ReplaySampler::Impl {
 public:
  explicit Impl(ReplaySamplerOptions options)
      : options_(std::move(options)), random_(options_.seed) {
    for (size_t i = 0; i < options_.shards.size(); ++i) {
      shards_.push_back(std::make_unique<ReplaySamplerShard>(options_, static_cast<int>(i),
                                                             [this] { Changed(); }));
    }
  }

  absl::Status Next(SampledBatch& batch, absl::Duration timeout) {
    const absl::Time deadline = absl::Now() + timeout;
    while (true) {
      uint64_t seen = 0;
      {
        const absl::MutexLock lock(&mutex_);
        seen = changes_;
      }
      const absl::StatusOr<bool> ready = Plan();
      if (!ready.ok()) return ready.status();
      if (*ready) break;
      const absl::MutexLock lock(&mutex_);
      const auto changed = [this, seen]()
                               ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return changes_ != seen; };
      if (!mutex_.AwaitWithDeadline(absl::Condition(&changed), deadline)) {
        return absl::DeadlineExceededError(absl::StrCat(
            "no batch of table '", options_.table, "' within ", absl::FormatDuration(timeout)));
      }
    }
    Fill(batch);
    return absl::OkStatus();
  }

  absl::Status UpdatePriorities(const SampledBatch& batch, absl::Span<const float> priorities,
                                absl::Duration timeout) {
    if (priorities.size() != batch.cursor.size()) {
      return absl::InvalidArgumentError(absl::StrCat(priorities.size(),
                                                     " priorities for a batch of ",
                                                     batch.cursor.size(), " rows; give one a row"));
    }
    absl::Status status;
    for (size_t i = 0; i < shards_.size(); ++i) {
      v1::UpdatePrioritiesRequest request;
      for (size_t k = 0; k < priorities.size(); ++k) {
        if (batch.shard[k] != static_cast<int>(i)) continue;
        request.add_cursor(batch.cursor[k]);
        request.add_priority(priorities[k]);
      }
      if (request.cursor_size() > 0) status.Update(shards_[i]->Update(request, timeout));
    }
    return status;
  }

 private:
  void Changed() {
    const absl::MutexLock lock(&mutex_);
    ++changes_;
  }

  // Draws how many rows each shard gives, where that is not drawn yet, and says whether the pools
  // hold them. What was drawn stands until it is used (drawing again until it happens to fit would
  // favour shards that are quick), unless a shard of it goes away.
  absl::StatusOr<bool> Plan() {
    std::vector<ReplaySamplerShard::State> states;
    bool all_known = true;
    bool consumed = false;
    for (const std::unique_ptr<ReplaySamplerShard>& shard : shards_) {
      states.push_back(shard->state());
      if (!states.back().status.ok()) return states.back().status;
      all_known = all_known && states.back().known;
      consumed = consumed || states.back().consumed;
    }
    if (consumed) return DrawFromPools(states);
    if (!all_known) return false;
    for (size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i] > states[i].pooled && states[i].weight == 0) counts_.clear();
    }
    if (counts_.empty() && !Draw(states)) return false;
    for (size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i] > states[i].pooled) return false;
    }
    return true;
  }

  bool Draw(const std::vector<ReplaySamplerShard::State>& states) {
    shares_.clear();
    double sum = 0;
    for (const ReplaySamplerShard::State& state : states) {
      shares_.push_back(state.weight);
      sum += state.weight;
    }
    if (sum == 0) return false;
    for (double& share : shares_) share /= sum;
    counts_.assign(states.size(), 0);
    if (states.size() == 1) {
      counts_[0] = options_.batch_size;
      return true;
    }
    std::discrete_distribution<size_t> which(shares_.begin(), shares_.end());
    for (uint32_t i = 0; i < options_.batch_size; ++i) ++counts_[which(random_)];
    return true;
  }

  // As many rows as a batch has out of all that are in the pools, each alike.
  bool DrawFromPools(const std::vector<ReplaySamplerShard::State>& states) {
    uint64_t left = 0;
    for (const ReplaySamplerShard::State& state : states) left += state.pooled;
    if (left < options_.batch_size) return false;
    shares_.assign(states.size(), 1);
    counts_.assign(states.size(), 0);
    for (uint32_t i = 0; i < options_.batch_size; ++i, --left) {
      uint64_t which = std::uniform_int_distribution<uint64_t>(0, left - 1)(random_);
      size_t shard = 0;
      while (which >= states[shard].pooled - counts_[shard]) {
        which -= states[shard].pooled - counts_[shard];
        ++shard;
      }
      ++counts_[shard];
    }
    return true;
  }

  void Fill(SampledBatch& batch) {
    if (counts_.size() != 1 || !shards_[0]->TakeWhole(counts_[0], batch)) {
      for (int i = 0; i < batch.block.columns_size(); ++i) batch.block.mutable_columns(i)->clear();
      batch.block.set_rows(0);
      batch.shard.clear();
      batch.cursor.clear();
      batch.age.clear();
      batch.probability.clear();
      for (size_t i = 0; i < counts_.size(); ++i) {
        if (counts_[i] > 0) shards_[i]->Take(counts_[i], shares_[i], batch);
      }
    }
    counts_.clear();
  }

  const ReplaySamplerOptions options_;
  // Next's own.
  std::mt19937_64 random_;
  std::vector<uint32_t> counts_;
  // Of the draw that counts_ came from: the probability of each shard.
  std::vector<double> shares_;

  absl::Mutex mutex_;
  uint64_t changes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::unique_ptr<ReplaySamplerShard>> shards_;
};

absl::StatusOr<std::unique_ptr<ReplaySampler>> ReplaySampler::Start(ReplaySamplerOptions options) {
  if (options.shards.empty()) return absl::InvalidArgumentError("no replay shard is given");
  if (options.batch_size == 0 || options.credits == 0) {
    return absl::InvalidArgumentError("batch_size and credits must be above 0");
  }
  // Drawn rows may spread over several batches of a shard, one of which is in use.
  if (options.credits < 2) options.credits = 2;
  return std::unique_ptr<ReplaySampler>(
      new ReplaySampler(std::make_unique<Impl>(std::move(options))));
}

ReplaySampler::ReplaySampler(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ReplaySampler::~ReplaySampler() = default;

absl::Status ReplaySampler::Next(SampledBatch& batch, absl::Duration timeout) {
  return impl_->Next(batch, timeout);
}

absl::Status ReplaySampler::UpdatePriorities(const SampledBatch& batch,
                                             absl::Span<const float> priorities,
                                             absl::Duration timeout) {
  return impl_->UpdatePriorities(batch, priorities, timeout);
}

}  // namespace estuary::client
