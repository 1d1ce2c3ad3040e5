#include "common/process/crc32c.h"

#include <array>
#include <cstddef>
#include <cstring>

namespace estuary::process {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // reflected

constexpr std::array<uint32_t, 256> MakeTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? kPolynomial : 0);
    table[byte] = value;
  }
  return table;
}

uint32_t Portable(const char* data, size_t size, uint32_t crc) {
  static constexpr std::array<uint32_t, 256> kTable = MakeTable();
  for (size_t i = 0; i < size; ++i) {
    crc = (crc >> 8) ^ kTable[(crc ^ static_cast<uint8_t>(data[i])) & 0xff];
  }
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t Hardware(const char* data, size_t size, uint32_t crc) {
  uint64_t wide = crc;
  for (; size >= sizeof(uint64_t); size -= sizeof(uint64_t), data += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, data, sizeof(word));
    wide = __builtin_ia32_crc32di(wide, word);
  }
  crc = static_cast<uint32_t>(wide);
  for (; size > 0; --size, ++data) {
    crc = __builtin_ia32_crc32qi(crc, static_cast<uint8_t>(*data));
  }
  return crc;
}

bool HasHardware() { return __builtin_cpu_supports("sse4.2") != 0; }
#else
uint32_t Hardware(const char* data, size_t size, uint32_t crc) { return Portable(data, size, crc); }
bool HasHardware() { return false; }
#endif

}  // namespace

uint32_t Crc32c(absl::string_view data, uint32_t before) {
  static const bool hardware = HasHardware();
  const uint32_t crc = ~before;
  return ~(hardware ? Hardware(data.data(), data.size(), crc)
                    : Portable(data.data(), data.size(), crc));
}

}  // namespace estuary::process
