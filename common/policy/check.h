// What a policy version must be before anybody acts by it.
#pragma once

#include "absl/status/status.h"
#include "estuary/v1/policy.pb.h"

namespace estuary::policy {

// A version comes over a wire or from a file: nothing in it is believed. These bounds keep a bad
// one from asking for memory.
inline constexpr uint32_t kMaxWidth = 16384;
inline constexpr int kMaxLayers = 32;

// Everything but the test vector, which needs the network. INVALID_ARGUMENT names the field and
// both values.
absl::Status CheckPolicyVersion(const v1::PolicyVersion& version);

// Hex SHA-256 of the version with the field sha256 empty.
std::string HashPolicyVersion(const v1::PolicyVersion& version);

}  // namespace estuary::policy
