// The float32 bytes of a policy version as numbers.
#pragma once

#include <cstring>
#include <string>
#include <vector>

namespace estuary::policy {

inline std::vector<float> ToFloats(const std::string& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace estuary::policy
