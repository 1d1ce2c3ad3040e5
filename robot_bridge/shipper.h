// From the spool to the replay's table: every durable row, in order, exactly once.
//
// The replay stores each sequence number of this writer once, and the spool never gives a number to
// two rows, so all that is needed is to send from the oldest row that is not known to be
// acknowledged, again and again. Errors that waiting cannot heal (another schema, an unknown table)
// are said, and tried again now and then: the rows are safe in the spool.
//
// A thread of its own, at normal priority.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/transition/schema.h"
#include "robot_bridge/spool/spool.h"

namespace estuary::bridge {

struct ShipperOptions {
  std::vector<std::string> shards;
  std::string table;
  // "<robot>/bridge", for ever.
  std::string writer_id;
  transition::Schema schema;
  absl::Duration retry_after = absl::Seconds(5);
};

class Shipper {
 public:
  // `spool` outlives the shipper.
  Shipper(const ShipperOptions& options, Spool* spool);
  ~Shipper();

  // Ships what the spool holds for at most `patience`, then ends. Idempotent.
  void Stop(absl::Duration patience);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace estuary::bridge
