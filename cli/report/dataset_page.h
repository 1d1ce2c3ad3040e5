// A page about datasets: how good their single transitions and their episodes are (the paper's
// Figure 4).
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace estuary::cli {

// Whether a path is a dataset by its ending: .h5 or .hdf5.
bool NamesADataset(const std::string& path);

// Writes report.html, table.md and an SVG for each figure into `output`. Errors name the file and,
// where there is one, its first bad row.
absl::Status WriteDatasetReport(const std::vector<std::string>& paths, const std::string& output);

}  // namespace estuary::cli
