// One shard's part of a ReplayFollower: a thread that keeps a Follow stream open and hands on what
// comes. Nobody but ReplayFollower includes this.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/client/replay_follower.h"
#include "common/client/replay_retry.h"
#include "estuary/v1/replay.grpc.pb.h"

namespace estuary::client {

class ReplayFollowerShard {
 public:
  struct Handlers {
    // Takes a block; waits while there is no room. False where following ends.
    std::function<bool(FollowedBlock block, uint64_t behind)> block;
    std::function<void(bool connected)> connected;
    // An error that no retry heals; following this shard ends.
    std::function<void(const absl::Status& status)> failed;
  };

  ReplayFollowerShard(const ReplayFollowerOptions& options, int index, uint64_t cursor,
                      Handlers handlers);
  ~ReplayFollowerShard() { Stop(); }

  // Ends the stream and the thread; `block` must give up waiting. Idempotent.
  void Stop();

  // Sends a report; false where no stream is open.
  bool Report(double samples);

 private:
  using Stream = grpc::ClientReaderWriterInterface<v1::FollowRequest, v1::FollowResponse>;

  void Run();
  absl::Status Session(bool& worked);
  // Checks a response and hands it on; OK to go on.
  absl::Status Take(v1::FollowResponse& response);

  const ReplayFollowerOptions& options_;
  const int index_;
  const std::string name_;
  const Handlers handlers_;
  ShardChannel channel_;
  RunningCall call_;
  // The thread's own.
  uint64_t cursor_;
  std::string shard_id_;

  absl::Mutex mutex_;
  // The open stream, for reports; written to under the lock only.
  Stream* stream_ ABSL_GUARDED_BY(mutex_) = nullptr;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace estuary::client
