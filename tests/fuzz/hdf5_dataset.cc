// Datasets as somebody gives them to `estuary dataset describe` and `import`: the bytes of an HDF5
// file. Libhdf5 1.10.8 breaks on many of them, in the process that reads for us; here nothing may.
// (So the fuzzer sees nothing of what happens there, and mutates well-formed files blindly.)
#include <pthread.h>

#include <cstdint>
#include <string>

#include "common/dataset/dataset.h"
#include "common/dataset/summary.h"
#include "tests/fuzz/harness/fuzz.h"
#include "tests/fuzz/harness/scratch.h"

extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

// What breaks the reading process is no finding.
extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  pthread_atfork(nullptr, nullptr, [] {
    if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(nullptr);
  });
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace estuary;  // NOLINT
  static const fuzz::Scratch scratch;
  const std::string path = scratch.Write("x.h5", {reinterpret_cast<const char*>(data), size});
  const auto reader = dataset::Reader::Open(path, absl::Seconds(5));
  if (!reader.ok()) return 0;
  // Small files can claim to be long: what is read has been seen to be plausible, and costs time.
  constexpr uint64_t kRows = 1 << 16;
  const bool short_one = reader->info().rows <= kRows;
  const absl::Status good = dataset::CheckRows(*reader, std::min(kRows, reader->info().rows));
  if (!short_one) return 0;
  const auto summary = dataset::Summarize(*reader, 4);
  if (!good.ok() || !summary.ok()) return 0;
  FUZZ_CHECK(!summary->first_bad, "checked rows are good");
  return 0;
}
