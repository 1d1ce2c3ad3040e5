// Checkpoints of a table in memory as a start finds them on the disk. Input: checkpoints, oldest
// first: a byte of options (1: right checksums), a piece.
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
  std::filesystem::remove_all(scratch.path() + "/data");
  scratch.Write("data/shard_id", fuzz::kShardId);
  for (int i = 1; i <= 3 && !input.empty(); ++i) {
    const bool reseal = input.Byte() % 2 == 1;
    const std::string content(input.Piece());
    scratch.Write(absl::StrFormat("data/sim/%09d.checkpoint", i),
                  reseal ? fuzz::Reseal(content) : content);
  }
  std::string first;
  {
    process::Metrics metrics;
    const auto shard = fuzz::OpenShard(scratch.path() + "/data", metrics, /*salvage=*/false);
    if (shard == nullptr) return 0;
    first = fuzz::CheckTable(*shard->Find("sim").value()->table, /*finite=*/false);
    FUZZ_CHECK(shard->Checkpoint().ok(), "what was restored can be written");
  }
  process::Metrics metrics;
  const auto shard = fuzz::OpenShard(scratch.path() + "/data", metrics, /*salvage=*/false);
  FUZZ_CHECK(shard != nullptr, "what was written opens");
  FUZZ_CHECK(fuzz::CheckTable(*shard->Find("sim").value()->table, false) == first,
             "and holds the same rows");
  return 0;
}
