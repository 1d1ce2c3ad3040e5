// Datasets as somebody gives them to `estuary dataset describe` and `import`: the bytes of an HDF5
// file.
#include <cstdint>
#include <string>

#include "common/dataset/dataset.h"
#include "common/dataset/summary.h"
#include "tests/fuzz/harness/fuzz.h"
#include "tests/fuzz/harness/scratch.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace estuary;  // NOLINT
  static const fuzz::Scratch scratch;
  const std::string path = scratch.Write("x.h5", {reinterpret_cast<const char*>(data), size});
  const auto reader = dataset::Reader::Open(path);
  if (!reader.ok()) return 0;
  // Small files can claim to be long: what is read has been seen to be plausible, and costs time.
  constexpr uint64_t kRows = 1 << 16;
  const bool short_one = reader->info().rows <= kRows;
  const absl::Status good = dataset::CheckRows(*reader, std::min(kRows, reader->info().rows));
  if (!short_one) return 0;
  const auto summary = dataset::Summarize(*reader, 4);
  FUZZ_CHECK(summary.ok() || !good.ok(), "what was checked can be summed up");
  FUZZ_CHECK(!good.ok() || !summary->first_bad, "checked rows are good");
  return 0;
}
