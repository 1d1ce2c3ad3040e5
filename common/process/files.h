// Files that are whole or absent.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace estuary::process {

absl::StatusOr<std::string> ReadFile(const std::string& path);

// Writes beside `path`, syncs, and renames: whoever opens `path` sees the old content or the new
// one, also after a power cut. Any failure (a full disk) leaves the old file as it was and names
// the path.
absl::Status WriteFileAtomically(const std::string& path, absl::string_view content);

// Creates it and its parents; fine where it is there.
absl::Status CreateDirectories(const std::string& path);

// Makes a rename in `directory` durable.
absl::Status SyncDirectory(const std::string& directory);

// Hex SHA-256.
std::string Sha256(absl::string_view content);

}  // namespace estuary::process
