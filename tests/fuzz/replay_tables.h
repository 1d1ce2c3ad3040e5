// What the replay's fuzzers share: a small shard, and what must hold in it whatever came.
#pragma once

#include <memory>
#include <string>

#include "common/transition/schema.h"
#include "estuary/v1/replay.pb.h"
#include "replay_server/shard.h"
#include "replay_server/table.h"

namespace estuary::fuzz {

inline constexpr char kShardId[] = "0123456789abcdef";

transition::Schema ToySchema();
// "real" (on disk, never evicts), "sim" (a ring in memory).
v1::TableConfigs ToyTables();

// Opens a shard in `folder`, whose id is in there already or a new one; null where it refuses to.
std::unique_ptr<replay::Shard> OpenShard(const std::string& folder, process::Metrics& metrics,
                                         bool salvage,
                                         const v1::TableConfigs& tables = ToyTables());

// Reads the whole table as a follower does and checks that its rows, their positions and what it
// says of itself agree. Gives the rows' bytes. `finite`: the rows came over the wire.
std::string CheckTable(const replay::Table& table, bool finite);

// Makes the checksums of a file's records right, so that what is behind them is reached; a record
// whose last header word is not 0 keeps what it has.
std::string Reseal(std::string file);

}  // namespace estuary::fuzz
