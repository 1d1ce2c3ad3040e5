// The inside of ReplayWriter; nobody else includes this.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/client/replay_retry.h"
#include "common/client/replay_writer.h"
#include "common/client/replay_writer_buffer.h"
#include "estuary/v1/replay.grpc.pb.h"

namespace estuary::client {

class ReplayWriter::Impl {
 public:
  explicit Impl(ReplayWriterOptions options);
  ~Impl();

  absl::StatusOr<uint64_t> WaitUntilConnected(absl::Duration timeout);
  // `rows` more rows fit into the buffer now, waiting for that where `wait` says so.
  absl::StatusOr<bool> MakeRoom(uint32_t rows, bool wait) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<bool> Append(transition::BlockBuilder& rows, bool wait);
  absl::Status Append(v1::TransitionBlock block);
  absl::Status Flush(absl::Duration timeout);
  Unacknowledged TakeUnacknowledged();
  Stats stats() const;
  absl::Status status() const;

 private:
  using Stream = grpc::ClientReaderWriterInterface<v1::AppendRequest, v1::AppendResponse>;

  void Stop();
  // --- The sending thread (replay_writer_session.cc) ---
  void Run();
  // One connection to a shard, until it ends. `welcomed` says whether it worked.
  absl::Status Session(int shard, bool& welcomed);
  absl::Status Hello(Stream& stream, int shard);
  absl::Status ApplyWelcome(const v1::AppendWelcome& welcome, int shard);
  void Send(Stream& stream);
  // The receiving thread.
  void Receive(Stream& stream);
  // The shard to try next.
  int ChooseShard(absl::Duration away);
  // The writer's own shard is there again; asked now and then while another one stands in.
  bool HomeIsBack();
  void Fail(const absl::Status& status);
  std::string Name() const;

  const ReplayWriterOptions options_;
  // In the order of preference, and where in it the writer is now (the thread's own).
  const std::vector<int> order_;
  size_t choice_ = 0;
  std::vector<std::unique_ptr<ShardChannel>> channels_;
  absl::Time next_look_home_;
  RunningCall call_;

  mutable absl::Mutex mutex_;
  ReplayWriterBuffer buffer_ ABSL_GUARDED_BY(mutex_);
  // The caller's and the server's number of place 0 (the latter modulo 2^64).
  uint64_t start_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t base_ ABSL_GUARDED_BY(mutex_) = 0;
  int last_shard_ ABSL_GUARDED_BY(mutex_) = -1;
  bool connected_ ABSL_GUARDED_BY(mutex_) = false;
  bool receiving_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  absl::Status last_error_ ABSL_GUARDED_BY(mutex_);
  uint64_t lost_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t connects_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Duration waited_ ABSL_GUARDED_BY(mutex_);

  std::thread thread_;
};

}  // namespace estuary::client
