// The shard map: a list of shards whose order means something (imports go to shard i mod S). It is
// written as addresses, or as a name that stands for several (shard_directory.h): then the order is
// that of the shards' ids.
// Shards know nothing of each other; what spans several shards is done by clients, here.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "estuary/v1/replay.pb.h"

namespace estuary::client {

// "unix:/a,host:1" as a list; INVALID_ARGUMENT for none, an empty or a repeated one.
// "dns:///name:1" gives a target for each shard behind the name, after at most a minute.
absl::StatusOr<std::vector<std::string>> ParseShards(absl::string_view text);

// Shard indices in the order in which a writer prefers them (rendezvous hashing: removing a shard
// moves only that shard's writers). Depends on what the shards are called and the id only.
std::vector<int> RankShards(const std::vector<std::string>& shards, absl::string_view writer_id);

// Asks every shard, all at once. A shard that does not answer in time gives its error; the others'
// answers stand.
std::vector<absl::StatusOr<v1::DescribeResponse>> DescribeShards(
    const std::vector<std::string>& shards, absl::Duration timeout);

// Asks one shard by its address; `server_name` as for MakeChannel.
absl::StatusOr<v1::DescribeResponse> DescribeShardAt(const std::string& address,
                                                     const std::string& server_name,
                                                     absl::Duration timeout);

// The table's status in an answer; null where the shard has no such table.
const v1::TableStatus* FindTable(const v1::DescribeResponse& shard, absl::string_view table);

}  // namespace estuary::client
