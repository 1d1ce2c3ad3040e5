// One shard's part of a ReplaySampler: a thread that keeps a Sample stream open and a pool of drawn
// rows full. Nobody but ReplaySampler includes this.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/client/replay_retry.h"
#include "common/client/replay_sampler.h"
#include "estuary/v1/replay.grpc.pb.h"

namespace estuary::client {

class ReplaySamplerShard {
 public:
  // `changed` is called, with no lock held, when anything below may have changed.
  ReplaySamplerShard(const ReplaySamplerOptions& options, int index, std::function<void()> changed);
  ~ReplaySamplerShard();

  struct State {
    // What it holds was asked for at least once, or could not be.
    bool known = false;
    // What its table weighs, as it last said; 0 while it is away.
    double weight = 0;
    // Its rows go by being sampled.
    bool consumed = false;
    // Drawn rows that wait here.
    uint64_t pooled = 0;
    // A final error.
    absl::Status status;
  };
  State state() const;

  // Appends `rows` of the pool, which holds as many, to the batch. This shard is drawn from with
  // the probability `share`.
  void Take(uint32_t rows, double share, SampledBatch& batch);
  // The whole next batch by exchange, where it is untouched and of `rows` rows.
  bool TakeWhole(uint32_t rows, SampledBatch& batch);

  // Sends the request, whose table need not be set. Thread-safe.
  absl::Status Update(v1::UpdatePrioritiesRequest& request, absl::Duration timeout) const;

 private:
  using Stream = grpc::ClientReaderWriterInterface<v1::SampleRequest, v1::SampleResponse>;

  void Run();
  absl::Status Session(bool& worked);
  absl::Status AskRows();
  // The pool's first response is used up.
  void Pop() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Rows have left the pool: asks for as many batches anew.
  void Grant(uint32_t rows) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const ReplaySamplerOptions& options_;
  const int index_;
  const std::string name_;
  const std::function<void()> changed_;
  ShardChannel channel_;
  RunningCall call_;
  // The thread's own.
  uint64_t connects_ = 0;

  mutable absl::Mutex mutex_;
  std::deque<v1::SampleResponse> pool_ ABSL_GUARDED_BY(mutex_);
  // Rows of the first that are taken.
  uint32_t taken_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<v1::SampleResponse> spare_ ABSL_GUARDED_BY(mutex_);
  State state_ ABSL_GUARDED_BY(mutex_);
  Stream* stream_ ABSL_GUARDED_BY(mutex_) = nullptr;
  uint32_t rows_to_grant_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace estuary::client
