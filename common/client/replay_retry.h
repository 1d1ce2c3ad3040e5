// Which errors of a replay shard pass by themselves, and how to wait for one.
#pragma once

#include <grpcpp/client_context.h>

#include <functional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/client/shard_channel.h"
#include "common/process/backoff.h"

namespace estuary::client {

// Trying again cannot heal it: the request itself is refused.
bool IsFinal(const absl::Status& status);

// The pauses of one client between its connections to one shard, with a word in the log when the
// shard has been away for 5 s, and then every 30 s. Not thread-safe.
class RetryPauses {
 public:
  // `who` waits for `what`, for the log.
  RetryPauses(std::string who, std::string what, uint64_t seed);

  // The connection worked.
  void Connected();
  // How long to wait after `why`.
  absl::Duration Next(const absl::Status& why);
  // Since the connection was lost, or since the beginning.
  absl::Duration Away() const;

 private:
  const std::string who_;
  const std::string what_;
  process::Backoff backoff_;
  absl::Time since_;
  absl::Time next_word_;
};

// The context of the stream that runs now, for whoever must end it from another thread.
class RunningCall {
 public:
  // Waits about a second for the channel to be connected; UNAVAILABLE, with the reason, where it is
  // not then (and looks for the shard elsewhere), CANCELLED once Stop was called. A call on a
  // channel that is not connected fails at once, and between such calls nobody would drive the
  // channel's attempts.
  absl::Status Connect(ShardChannel& channel);
  // False once Stop was called: do not start.
  bool Begin(grpc::ClientContext* context);
  void End();
  // Cancels the running call and every later one.
  void Stop();

 private:
  absl::Mutex mutex_;
  grpc::ClientContext* context_ ABSL_GUARDED_BY(mutex_) = nullptr;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace estuary::client
