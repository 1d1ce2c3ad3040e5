#include <cstdlib>
#include <memory>

#include "common/dataset/writer.h"
#include "common/hdf5/file.h"
#include "common/process/files.h"
#include "tests/fuzz/harness/scratch.h"
#include "tests/fuzz/seeds.h"

namespace estuary::fuzz {
namespace {

const dataset::Origin kOrigin = {
    .task = "toy", .generator = "test", .observation_dim = 2, .action_dim = 1};

dataset::Batch Rows() {
  constexpr size_t kRows = 6;
  dataset::Batch batch;
  batch.Resize(0, kRows, 2, 1);
  for (size_t i = 0; i < kRows; ++i) {
    const auto v = static_cast<float>(i);
    batch.observations[2 * i] = v;
    batch.next_observations[2 * i] = v + 1;
    batch.actions[i] = 0.5F;
    batch.rewards[i] = v;
  }
  batch.terminals[3] = 1;
  return batch;
}

std::string Written(absl::StatusOr<std::unique_ptr<dataset::Writer>> writer,
                    const std::string& file) {
  if (!writer.ok() || !(*writer)->Append(Rows()).ok() || !(*writer)->Finish().ok()) std::abort();
  return *process::ReadFile(file);
}

// Small enough for a fuzzer: fixed sizes, or one small chunk, plain or packed.
std::string Plain(int compression, bool next) {
  const Scratch scratch;
  const std::string path = scratch.path() + "/x.h5";
  const dataset::Batch rows = Rows();
  auto file = hdf5::File::Create(path);
  const auto write = [&](const char* name, const hdf5::Shape& row, auto& values) {
    using T = typename std::decay_t<decltype(values)>::value_type;
    absl::Status status;
    if (compression < 0) {
      hdf5::Shape shape = {rows.rows};
      shape.insert(shape.end(), row.begin(), row.end());
      status = file->Write<T>(name, shape, values);
    } else {
      status = file->CreateAppendable<T>(name, row, {.chunk_rows = 4, .compression = compression});
      status.Update(file->Append<T>(name, values));
    }
    if (!status.ok()) std::abort();
  };
  write("observations", {2}, rows.observations);
  write("actions", {1}, rows.actions);
  write("rewards", {}, rows.rewards);
  if (next) write("next_observations", {2}, rows.next_observations);
  write("terminals", {}, rows.terminals);
  write("timeouts", {}, rows.timeouts);
  if (!file->Close().ok()) std::abort();
  return *process::ReadFile(path);
}

}  // namespace

void SeedHdf5Dataset(Seeds& seeds) {
  const Scratch scratch;
  seeds.Add("plain", Plain(-1, true));
  seeds.Add("without_next", Plain(-1, false));
  seeds.Add("chunked", Plain(0, true));
  seeds.Add("packed", Plain(6, true));
  seeds.Add("minari", Written(dataset::CreateMinari(scratch.path() + "/m-v0", "m-v0", kOrigin),
                              scratch.path() + "/m-v0/data/main_data.hdf5"));
}

}  // namespace estuary::fuzz
