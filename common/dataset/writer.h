// Writes datasets a batch at a time, in either layout, so that one far larger than memory can be
// written. What is written is whole or not there: it is made beside its place and renamed.
//
// Threads: one at a time.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/dataset/dataset.h"

namespace estuary::dataset {

// Where rows come from; kept with them.
struct Origin {
  std::string task;
  // "export", "operator".
  std::string generator;
  int observation_dim = 0;
  int action_dim = 0;
};

class Writer {
 public:
  virtual ~Writer() = default;
  // Rows in the order in which they happened. Errors name the file.
  virtual absl::Status Append(const Batch& batch) = 0;
  // Nothing may be appended afterwards. A writer that is destroyed without it leaves nothing.
  virtual absl::Status Finish() = 0;
};

// One HDF5 file, replaced where it is there.
absl::StatusOr<std::unique_ptr<Writer>> CreateD4rl(const std::string& path, const Origin& origin);

// A folder with data/main_data.hdf5 and data/metadata.json, replaced where it is there; Minari's
// package loads it under `id` ("NAME-v0" or "NAMESPACE/NAME-v0") where its place below the
// datasets' root is so called. An episode ends with its flags, and where a row's observation is not
// what the row before it led to.
absl::StatusOr<std::unique_ptr<Writer>> CreateMinari(const std::string& folder,
                                                     const std::string& id, const Origin& origin);

// INVALID_ARGUMENT says what Minari's ids are.
absl::Status CheckMinariId(const std::string& id);

}  // namespace estuary::dataset
