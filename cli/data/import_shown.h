// An import as people see it: the file is checked, then sent, with progress on stderr.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace estuary::cli {

struct ShownImportOptions {
  std::string path;
  std::vector<std::string> shards;
  // Refuse a table of another task; empty: take any that the file fits.
  std::string task;
  // So many rows, the first ones or chosen by this seed (ImportOptions); absent: all.
  std::optional<uint64_t> transitions = std::nullopt;
  std::optional<uint64_t> episodes_seed = std::nullopt;
  // How long shards that do not answer are waited for at the start.
  absl::Duration patience = absl::Seconds(10);
};

// Returns once every row is acknowledged, and prints how many there were.
absl::Status ImportShown(const ShownImportOptions& options);

}  // namespace estuary::cli
