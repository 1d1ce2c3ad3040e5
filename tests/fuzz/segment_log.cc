// A durable table's log as a start finds it on the disk. Input: a byte of options (1: salvage),
// then segments: the position in the name (64 bits), a byte of options (1: right checksums), a
// piece.
#include <cstdint>
#include <filesystem>

#include "absl/strings/str_format.h"
#include "common/process/metrics.h"
#include "tests/fuzz/harness/fuzz.h"
#include "tests/fuzz/harness/quiet.h"
#include "tests/fuzz/harness/scratch.h"
#include "tests/fuzz/replay_tables.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace estuary;  // NOLINT
  static const fuzz::Scratch scratch;
  fuzz::Input input(data, size);
  const bool salvage = input.Byte() % 2 == 1;
  std::filesystem::remove_all(scratch.path() + "/data");
  scratch.Write("data/shard_id", fuzz::kShardId);
  for (int i = 0; i < 4 && !input.empty(); ++i) {
    const auto position = input.Number<uint64_t>();
    const bool reseal = input.Byte() % 2 == 1;
    const std::string content(input.Piece());
    scratch.Write(absl::StrFormat("data/real/%020u.segment", position),
                  reseal ? fuzz::Reseal(content) : content);
  }
  std::string first;
  {
    process::Metrics metrics;
    const auto shard = fuzz::OpenShard(scratch.path() + "/data", metrics, salvage);
    if (shard == nullptr) return 0;
    first = fuzz::CheckTable(*shard.get()->Find("real").value()->table, /*finite=*/false);
  }
  // What one start took, the next one takes again.
  process::Metrics metrics;
  const auto shard = fuzz::OpenShard(scratch.path() + "/data", metrics, salvage);
  FUZZ_CHECK(shard != nullptr, "a log that was opened opens again");
  FUZZ_CHECK(fuzz::CheckTable(*shard->Find("real").value()->table, false) == first,
             "and holds the same rows");
  return 0;
}
