// Shards behind a DNS name that stands for several addresses ("dns:///replay.example:5001").
//
// Each address is one shard. Addresses come and go (a container is started anew elsewhere), a
// shard's id does not: Describe tells it. So a shard is known to everybody else by a *target*,
// "dns:///replay.example:5001#<shard id>", which never changes: writers are hashed by it, positions
// are kept for it, and only who opens a connection asks for the address behind it. Where a shard
// does not answer, the name is looked up again, with backoff; shards that joined are known then. A
// shard that the name no longer stands for is not forgotten: it is a shard that is away.
//
// A target without '#' is an address itself.
//
// Thread-safe. Lookups happen on the caller's thread, one at a time for a name; others go on with
// what is known.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/process/backoff.h"

namespace estuary::client {

class ShardDirectory {
 public:
  // "host:port" to "ip:port"s, and an address to the shard's id. A shard's certificate is for the
  // name, not for the addresses that come and go.
  using Lookup = std::function<absl::StatusOr<std::vector<std::string>>(const std::string& name)>;
  using Identify = std::function<absl::StatusOr<std::string>(const std::string& address,
                                                             const std::string& server_name)>;

  struct Options {
    Lookup lookup;
    Identify identify;
    // Between lookups of a name whose shards do not answer.
    absl::Duration first_pause = absl::Seconds(1);
    absl::Duration longest_pause = absl::Seconds(30);
    // How long the first lookup waits for addresses that do not answer, once one did.
    absl::Duration patience = absl::Seconds(10);
  };

  // With the system's resolver and Describe: the one that clients use.
  static ShardDirectory& Process();
  explicit ShardDirectory(Options options);

  // "dns:///..." without an id.
  static bool IsName(absl::string_view text);
  // The host that a target's shard must have in its certificate; empty: its address's own.
  static std::string ServerName(const std::string& target);

  // The name's shards as targets, by their ids. Waits until at least one answers; INVALID_ARGUMENT
  // for what is no name with a port, DEADLINE_EXCEEDED says what stood in the way.
  absl::StatusOr<std::vector<std::string>> Resolve(const std::string& name, absl::Duration timeout);

  // Where the target is to be found, as far as is known.
  std::string AddressOf(const std::string& target) const;
  // The target did not answer there: looks its name up again, unless that was done a moment ago.
  // Gives the address now.
  std::string Renew(const std::string& target);
  // Every shard known behind the target's name, by id; the target alone where it is an address.
  std::vector<std::string> Known(const std::string& target) const;

 private:
  struct Name {
    // Shard id to address.
    std::map<std::string, std::string> shards;
    process::Backoff backoff;
    absl::Time next_lookup = absl::InfinitePast();
    bool busy = false;
  };

  // Asks for the name's addresses and for who is there. Gives how many did not answer.
  absl::StatusOr<int> LookUp(const std::string& name);

  const Options options_;
  mutable absl::Mutex mutex_;
  std::map<std::string, Name> names_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace estuary::client
