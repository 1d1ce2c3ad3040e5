// Policy versions from the learner, for those who act: a thread that keeps one Subscribe stream
// open, whatever happens to the learner.
//
// Two ways to read it. An actor or a bridge wants the newest version only: an update that was not
// taken yet is replaced by a newer one. An evaluator (`evaluations`) wants every version that is to
// be evaluated, in order: a few are held here, the rest wait at the learner, which sends again
// after a reconnection what has not been reported yet.
//
// A learner that resumes from a checkpoint goes on with lower version numbers than it had reached;
// an update is newer because it came later, not because its number is higher.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "estuary/v1/learner.pb.h"

namespace estuary::client {

// Header that the learner answers a subscription with: the run's id.
inline constexpr char kRunHeader[] = "estuary-run";

// Thread-safe.
class LearnerSubscriber {
 public:
  struct Options {
    std::string address;
    // For the learner's logs and metrics: "actor-0", "bridge".
    std::string subscriber;
    bool evaluations = false;
    // Ask again now and then where the certificate's role is refused, too: a robot's certificate is
    // replaced while it runs.
    bool outlives_refusal = false;
  };
  using Update = std::shared_ptr<const v1::PolicyUpdate>;

  // Starts the thread; never fails for a learner that is not there yet.
  explicit LearnerSubscriber(const Options& options);
  // Stops.
  ~LearnerSubscriber();

  // The next update that was not returned yet; waits for one up to `timeout`. Null where none came,
  // after Stop, and after an error that will not pass (see status).
  Update Next(absl::Duration timeout);

  // The final update has come (it may still wait to be taken); the stream is closed.
  bool finished() const;
  // How long the learner has been away: zero while the stream stands and once finished.
  absl::Duration away() const;
  // Times the stream was opened again after it had stood.
  uint64_t reconnections() const;
  // Not OK where the learner refused the subscription; trying again would not help.
  absl::Status status() const;

  // Cancels the stream and wakes Next. Idempotent.
  void Stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace estuary::client
