// CRC-32C (Castagnoli), as iSCSI and ext4 use it; for spool records and robot frames.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace estuary::bridge {

namespace crc32c_internal {
constexpr std::array<uint32_t, 256> MakeTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
    table[i] = crc;
  }
  return table;
}
inline constexpr std::array<uint32_t, 256> kTable = MakeTable();
}  // namespace crc32c_internal

// Of `size` bytes; `before` is the CRC of what precedes them.
inline uint32_t Crc32c(const void* data, size_t size, uint32_t before = 0) {
  uint32_t crc = ~before;
  const auto* bytes = static_cast<const unsigned char*>(data);
  for (size_t i = 0; i < size; ++i) {
    crc = (crc >> 8) ^ crc32c_internal::kTable[(crc ^ bytes[i]) & 0xff];
  }
  return ~crc;
}

}  // namespace estuary::bridge
