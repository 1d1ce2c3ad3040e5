#include "common/policy/export/npz.h"

#include <zlib.h>

#include <bit>
#include <cstdint>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace estuary::policy {
namespace {

static_assert(std::endian::native == std::endian::little);

template <typename T>
void Put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

// A .npy file, format 1.0. `dtype` as NumPy writes it.
std::string ToNpy(const std::string& dtype, const std::vector<uint64_t>& shape,
                  const std::string& data) {
  const std::string sizes =
      absl::StrCat("(", absl::StrJoin(shape, ", "), shape.size() == 1 ? ",)" : ")");
  std::string header =
      absl::StrCat("{'descr': '", dtype, "', 'fortran_order': False, 'shape': ", sizes, ", }");
  // Data begin at a multiple of 64 bytes; the header ends with a newline.
  constexpr size_t kPreamble = 10, kAlignment = 64;
  header.append(kAlignment - (kPreamble + header.size() + 1) % kAlignment, ' ');
  header.push_back('\n');
  std::string out("\x93NUMPY\x01\x00", 8);
  Put(out, static_cast<uint16_t>(header.size()));
  return out + header + data;
}

// UTF-32 of ASCII and Latin-1, which is all that names and hashes are made of.
std::string ToUtf32(const std::string& text) {
  std::string out;
  for (const char c : text) Put(out, static_cast<uint32_t>(static_cast<unsigned char>(c)));
  return out;
}

// A zip archive whose members are not compressed.
class Zip {
 public:
  void Add(const std::string& name, const std::string& content) {
    const auto offset = static_cast<uint32_t>(members_.size());
    Put<uint32_t>(members_, 0x04034b50);
    PutCommon(members_, name, content);
    members_ += name;
    members_ += content;

    Put<uint32_t>(directory_, 0x02014b50);
    Put<uint16_t>(directory_, kVersion);
    PutCommon(directory_, name, content);
    Put<uint16_t>(directory_, 0);  // Comment.
    Put<uint16_t>(directory_, 0);  // Disk.
    Put<uint16_t>(directory_, 0);  // Internal attributes.
    Put<uint32_t>(directory_, 0);  // External attributes.
    Put<uint32_t>(directory_, offset);
    directory_ += name;
    ++count_;
  }

  std::string Finish() const {
    std::string out = members_ + directory_;
    Put<uint32_t>(out, 0x06054b50);
    Put<uint16_t>(out, 0);
    Put<uint16_t>(out, 0);
    Put<uint16_t>(out, count_);
    Put<uint16_t>(out, count_);
    Put<uint32_t>(out, static_cast<uint32_t>(directory_.size()));
    Put<uint32_t>(out, static_cast<uint32_t>(members_.size()));
    Put<uint16_t>(out, 0);
    return out;
  }

 private:
  static constexpr uint16_t kVersion = 20;

  // What the headers before a member and in the directory have in common.
  static void PutCommon(std::string& out, const std::string& name, const std::string& content) {
    const auto size = static_cast<uint32_t>(content.size());
    Put<uint16_t>(out, kVersion);
    Put<uint16_t>(out, 0);     // Flags.
    Put<uint16_t>(out, 0);     // Stored.
    Put<uint16_t>(out, 0);     // Time: the same policy gives the same bytes.
    Put<uint16_t>(out, 0x21);  // 1980-01-01.
    Put<uint32_t>(
        out, static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(content.data()), size)));
    Put<uint32_t>(out, size);
    Put<uint32_t>(out, size);
    Put<uint16_t>(out, static_cast<uint16_t>(name.size()));
    Put<uint16_t>(out, 0);  // Extra.
  }

  std::string members_;
  std::string directory_;
  uint16_t count_ = 0;
};

}  // namespace

absl::StatusOr<std::string> ToNpz(const PolicyArrays& policy) {
  uint64_t bytes = 0;
  for (const NamedArray& array : policy.arrays) bytes += array.values.size() * sizeof(float) + 1024;
  if (bytes > std::numeric_limits<uint32_t>::max()) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "the policy's ", bytes, " bytes do not fit a .npz, which holds 4 GiB; export it as HDF5"));
  }
  Zip zip;
  for (const NamedArray& array : policy.arrays) {
    const std::string data(reinterpret_cast<const char*>(array.values.data()),
                           array.values.size() * sizeof(float));
    zip.Add(array.name + ".npy", ToNpy("<f4", array.shape, data));
  }
  for (const auto& [name, value] : policy.numbers) {
    std::string data;
    Put<uint64_t>(data, value);
    zip.Add(name + ".npy", ToNpy("<u8", {}, data));
  }
  for (const auto& [name, text] : policy.texts) {
    // NumPy has no text of no characters but one that is all zeros.
    const std::string shown = text.empty() ? std::string(1, '\0') : text;
    zip.Add(name + ".npy", ToNpy(absl::StrCat("<U", shown.size()), {}, ToUtf32(shown)));
  }
  return zip.Finish();
}

}  // namespace estuary::policy
