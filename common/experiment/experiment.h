// Experiments: reading one, filling in its defaults, refusing one that cannot work.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "estuary/v1/experiment.pb.h"

namespace estuary::experiment {

// Reads a text-format file; errors name file, line and column. Paths in it become absolute.
absl::StatusOr<v1::Experiment> ReadExperiment(const std::string& path);

// Fills in every default that experiment.proto states (the algorithm's row included), so that the
// effective experiment says all there is to say, then checks it. INVALID_ARGUMENT names the field,
// its value, and what it may be. Idempotent.
absl::Status FillDefaults(v1::Experiment& experiment);

// What the algorithm trains on.
bool UsesRealData(const v1::Experiment& experiment);
bool UsesSimulation(const v1::Experiment& experiment);

// Table names, the same everywhere.
inline constexpr char kRealTable[] = "real";
inline constexpr char kSimTable[] = "sim";

}  // namespace estuary::experiment
