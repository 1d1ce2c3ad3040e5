// What replay shards hold and do, as text: every table on every shard and in all, with rates where
// there is an earlier reading, and who waits for whom. Readings in, text out.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "estuary/v1/replay.pb.h"

namespace estuary::cli {

// What the shards said at one time; answers[i] is of shards[i].
struct ReplayReading {
  absl::Time time;
  std::vector<std::string> shards;
  std::vector<absl::StatusOr<v1::DescribeResponse>> answers;
};

ReplayReading ReadReplay(const std::vector<std::string>& shards, absl::Duration timeout);

// `before` is an earlier reading of the same shards, or null: no rates then. A shard that was
// started anew between the two has none either.
std::string FormatReplay(const ReplayReading& now, const ReplayReading* before);

// "12.0 GiB".
std::string FormatBytes(uint64_t bytes);

}  // namespace estuary::cli
