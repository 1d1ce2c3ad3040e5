// The models (MJCF) of worlds/, built into the library so that an installed binary needs no files.
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace estuary::worlds {

// The text of worlds/<path>.
absl::StatusOr<absl::string_view> EmbeddedMjcf(absl::string_view path);

}  // namespace estuary::worlds
