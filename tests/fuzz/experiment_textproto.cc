// Experiments as users write them.
#include <cstdint>

#include "common/experiment/experiment.h"
#include "tests/fuzz/harness/fuzz.h"
#include "tests/fuzz/harness/quiet.h"
#include "tests/fuzz/harness/scratch.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace estuary;  // NOLINT
  static const fuzz::Scratch scratch;
  const std::string path =
      scratch.Write("x.textproto", {reinterpret_cast<const char*>(data), size});
  auto experiment = experiment::ReadExperiment(path);
  if (!experiment.ok() || !experiment::FillDefaults(*experiment).ok()) return 0;
  v1::Experiment again = *experiment;
  const absl::Status status = experiment::FillDefaults(again);
  FUZZ_CHECK(status.ok(), status.ToString());
  FUZZ_CHECK(again.SerializeAsString() == experiment->SerializeAsString(),
             "filling in defaults twice changes nothing");
  return 0;
}
