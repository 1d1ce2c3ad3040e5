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
    for (const std::unique_ptr<ReplaySamplerShard>& shard : shards_) {
      states.push_back(shard->state());
      if (!states.back().status.ok()) return states.back().status;
      all_known = all_known && states.back().known;
    }
    if (!all_known) return false;
    for (size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i] > states[i].pooled && states[i].table_rows == 0) counts_.clear();
    }
    if (counts_.empty() && !Draw(states)) return false;
    for (size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i] > states[i].pooled) return false;
    }
    return true;
  }

  bool Draw(const std::vector<ReplaySamplerShard::State>& states) {
    std::vector<double> weights;
    double sum = 0;
    for (const ReplaySamplerShard::State& state : states) {
      weights.push_back(static_cast<double>(state.table_rows));
      sum += weights.back();
    }
    if (sum == 0) return false;
    counts_.assign(states.size(), 0);
    if (states.size() == 1) {
      counts_[0] = options_.batch_size;
      return true;
    }
    std::discrete_distribution<size_t> which(weights.begin(), weights.end());
    for (uint32_t i = 0; i < options_.batch_size; ++i) ++counts_[which(random_)];
    return true;
  }

  void Fill(SampledBatch& batch) {
    if (counts_.size() != 1 || !shards_[0]->TakeWhole(counts_[0], batch)) {
      for (int i = 0; i < batch.block.columns_size(); ++i) batch.block.mutable_columns(i)->clear();
      batch.block.set_rows(0);
      batch.shard.clear();
      batch.cursor.clear();
      batch.age.clear();
      for (size_t i = 0; i < counts_.size(); ++i) {
        if (counts_[i] > 0) shards_[i]->Take(counts_[i], batch);
      }
    }
    counts_.clear();
  }

  const ReplaySamplerOptions options_;
  // Next's own.
  std::mt19937_64 random_;
  std::vector<uint32_t> counts_;

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

}  // namespace estuary::client
