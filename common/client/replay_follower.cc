#include "common/client/replay_follower.h"

#include <algorithm>
#include <deque>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "common/client/replay_follower_shard.h"

namespace estuary::client {
namespace {

// Reports are gathered this long.
constexpr absl::Duration kReportEvery = absl::Milliseconds(2);

size_t Bytes(const FollowedBlock& block) {
  size_t bytes = sizeof(block);
  for (const std::string& column : block.block.columns()) bytes += column.size();
  return bytes;
}

}  // namespace

class ReplayFollower::Impl {
 public:
  explicit Impl(ReplayFollowerOptions options) : options_(std::move(options)) {
    const size_t shards = options_.shards.size();
    stats_.resize(shards);
    cursors_ = options_.cursors;
    cursors_.resize(shards, 0);
    received_ = options_.rows_before;
    received_.resize(shards, 0);
    reported_ = options_.samples_before;
    reported_.resize(shards, 0);
    for (size_t i = 0; i < shards; ++i) {
      const int index = static_cast<int>(i);
      shards_.push_back(std::make_unique<ReplayFollowerShard>(
          options_, index, cursors_[i],
          ReplayFollowerShard::Handlers{
              .block = [this](FollowedBlock block,
                              uint64_t behind) { return Push(std::move(block), behind); },
              .connected = [this, i](bool connected) { SetConnected(i, connected); },
              .failed = [this](const absl::Status& status) { Fail(status); }}));
    }
    reporter_ = std::thread([this] { SendReports(); });
  }

  ~Impl() {
    {
      const absl::MutexLock lock(&mutex_);
      stopping_ = true;
    }
    // The streams first: a report that is stuck in one ends with it.
    for (const std::unique_ptr<ReplayFollowerShard>& shard : shards_) shard->Stop();
    reporter_.join();
  }

  absl::StatusOr<FollowedBlock> Next(absl::Duration timeout) {
    const absl::MutexLock lock(&mutex_);
    const auto something = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return !queue_.empty() || !status_.ok();
    };
    mutex_.AwaitWithTimeout(absl::Condition(&something), timeout);
    if (!status_.ok()) return status_;
    if (queue_.empty()) {
      return absl::DeadlineExceededError(absl::StrCat("no rows of table '", options_.table,
                                                      "' within ", absl::FormatDuration(timeout)));
    }
    Queued next = std::move(queue_.front());
    queue_.pop_front();
    queued_bytes_ -= Bytes(next.block);
    ShardStats& stats = stats_[next.block.shard];
    stats.rows += next.block.block.rows();
    stats.lost += next.block.lost;
    stats.behind = next.behind;
    cursors_[next.block.shard] = next.block.end;
    return std::move(next.block);
  }

  void ReportSamples(double samples) {
    const absl::MutexLock lock(&mutex_);
    samples_ += samples;
  }

  std::vector<uint64_t> cursors() const {
    const absl::MutexLock lock(&mutex_);
    return cursors_;
  }

  std::vector<ShardStats> stats() const {
    const absl::MutexLock lock(&mutex_);
    return stats_;
  }

 private:
  struct Queued {
    FollowedBlock block;
    uint64_t behind = 0;
  };

  bool Push(FollowedBlock block, uint64_t behind) {
    const absl::MutexLock lock(&mutex_);
    const auto room = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return stopping_ || queued_bytes_ < options_.queue_bytes;
    };
    mutex_.Await(absl::Condition(&room));
    if (stopping_) return false;
    queued_bytes_ += Bytes(block);
    received_[block.shard] += block.block.rows();
    queue_.push_back({.block = std::move(block), .behind = behind});
    return true;
  }

  void SetConnected(size_t shard, bool connected) {
    const absl::MutexLock lock(&mutex_);
    stats_[shard].connected = connected;
    if (connected) ++stats_[shard].connects;
  }

  void Fail(const absl::Status& status) {
    const absl::MutexLock lock(&mutex_);
    if (status_.ok()) status_ = status;
  }

  // Each connected shard's share of what is to be reported: what brings it nearest to its part of
  // all reports, which goes by the rows received from it.
  std::vector<double> TakeShares() {
    const absl::MutexLock lock(&mutex_);
    std::vector<double> shares(stats_.size(), 0);
    double rows = 0;
    double total = samples_;
    int connected = 0;
    for (size_t i = 0; i < stats_.size(); ++i) {
      if (!stats_[i].connected) continue;
      ++connected;
      rows += static_cast<double>(received_[i]);
      total += reported_[i];
    }
    if (connected == 0) return shares;
    double missing = 0;
    for (size_t i = 0; i < stats_.size(); ++i) {
      if (!stats_[i].connected) continue;
      const double part = rows > 0 ? static_cast<double>(received_[i]) / rows : 1.0 / connected;
      shares[i] = std::max(0.0, total * part - reported_[i]);
      missing += shares[i];
    }
    if (missing <= 0) return std::vector<double>(stats_.size(), 0);
    // What some have too much already, the others miss beyond what there is to give.
    for (double& share : shares) share *= samples_ / missing;
    samples_ = 0;
    return shares;
  }

  void SendReports() {
    const auto due = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return stopping_ || samples_ > 0;
    };
    const auto stopping = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_; };
    while (true) {
      {
        const absl::MutexLock lock(&mutex_);
        mutex_.Await(absl::Condition(&due));
        // More will come with the next gradient steps.
        mutex_.AwaitWithTimeout(absl::Condition(&stopping), kReportEvery);
        if (stopping_) return;
      }
      const std::vector<double> shares = TakeShares();
      double unsent = 0;
      double sent = 0;
      for (size_t i = 0; i < shares.size(); ++i) {
        if (shares[i] <= 0) continue;
        if (shards_[i]->Report(shares[i])) {
          sent += shares[i];
          const absl::MutexLock lock(&mutex_);
          reported_[i] += shares[i];
        } else {
          unsent += shares[i];
        }
      }
      const absl::MutexLock lock(&mutex_);
      samples_ += unsent;
      if (sent > 0) continue;
      // Nobody is there.
      mutex_.AwaitWithTimeout(absl::Condition(&stopping), absl::Milliseconds(50));
    }
  }

  const ReplayFollowerOptions options_;

  mutable absl::Mutex mutex_;
  std::deque<Queued> queue_ ABSL_GUARDED_BY(mutex_);
  size_t queued_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<ShardStats> stats_ ABSL_GUARDED_BY(mutex_);
  std::vector<uint64_t> cursors_ ABSL_GUARDED_BY(mutex_);
  // Rows from each shard, taken or not, and samples told to it.
  std::vector<uint64_t> received_ ABSL_GUARDED_BY(mutex_);
  std::vector<double> reported_ ABSL_GUARDED_BY(mutex_);
  double samples_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  std::vector<std::unique_ptr<ReplayFollowerShard>> shards_;
  std::thread reporter_;
};

absl::StatusOr<std::unique_ptr<ReplayFollower>> ReplayFollower::Start(
    ReplayFollowerOptions options) {
  if (options.shards.empty()) return absl::InvalidArgumentError("no replay shard is given");
  if (!options.cursors.empty() && options.cursors.size() != options.shards.size()) {
    return absl::InvalidArgumentError(absl::StrCat(options.cursors.size(), " cursors for ",
                                                   options.shards.size(),
                                                   " shards; give one a shard, or none"));
  }
  return std::unique_ptr<ReplayFollower>(
      new ReplayFollower(std::make_unique<Impl>(std::move(options))));
}

ReplayFollower::ReplayFollower(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ReplayFollower::~ReplayFollower() = default;

absl::StatusOr<FollowedBlock> ReplayFollower::Next(absl::Duration timeout) {
  return impl_->Next(timeout);
}
void ReplayFollower::ReportSamples(double samples) { impl_->ReportSamples(samples); }
std::vector<uint64_t> ReplayFollower::cursors() const { return impl_->cursors(); }
std::vector<ReplayFollower::ShardStats> ReplayFollower::stats() const { return impl_->stats(); }

}  // namespace estuary::client
