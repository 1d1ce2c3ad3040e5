// CRC-32C (Castagnoli), with the processor's instruction where it has one.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"

namespace estuary::process {

// Of `data` following data whose checksum is `before`; 0 for none.
uint32_t Crc32c(absl::string_view data, uint32_t before = 0);

}  // namespace estuary::process
