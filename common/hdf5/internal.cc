#include "common/hdf5/internal.h"

#include <cstdint>

#include "absl/strings/str_cat.h"

namespace estuary::hdf5::internal {
namespace {

herr_t KeepInnermost(unsigned n, const H5E_error2_t* error, void* reason) {
  // Walking upwards starts at the function that failed first.
  if (n == 0 && error->desc != nullptr) *static_cast<std::string*>(reason) = error->desc;
  return 0;
}

}  // namespace

std::string Reason() {
  std::string reason;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, KeepInnermost, &reason);
  return reason.empty() ? "HDF5 gave no reason" : reason;
}

template <>
hid_t NativeType<float>() {
  return H5T_NATIVE_FLOAT;
}
template <>
hid_t NativeType<double>() {
  return H5T_NATIVE_DOUBLE;
}
template <>
hid_t NativeType<int8_t>() {
  return H5T_NATIVE_INT8;
}
template <>
hid_t NativeType<uint8_t>() {
  return H5T_NATIVE_UINT8;
}
template <>
hid_t NativeType<int32_t>() {
  return H5T_NATIVE_INT32;
}
template <>
hid_t NativeType<uint32_t>() {
  return H5T_NATIVE_UINT32;
}
template <>
hid_t NativeType<int64_t>() {
  return H5T_NATIVE_INT64;
}
template <>
hid_t NativeType<uint64_t>() {
  return H5T_NATIVE_UINT64;
}

absl::Status CheckReadable(const std::string& where, hid_t type, bool as_integer) {
  const H5T_class_t kind = H5Tget_class(type);
  if (kind == H5T_INTEGER || kind == H5T_ENUM) return absl::OkStatus();
  if (kind == H5T_FLOAT && !as_integer) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(where, " holds ", TypeName(type), ", expected ",
                                                 as_integer ? "integers" : "numbers"));
}

std::string TypeName(hid_t type) {
  const size_t bits = 8 * H5Tget_size(type);
  switch (H5Tget_class(type)) {
    case H5T_FLOAT:
      return absl::StrCat("float", bits);
    case H5T_INTEGER:
      return absl::StrCat(H5Tget_sign(type) == H5T_SGN_NONE ? "uint" : "int", bits);
    case H5T_ENUM:
      return absl::StrCat("enum", bits);
    case H5T_STRING:
      return "string";
    default:
      return "values that are not numbers";
  }
}

std::string CString(absl::string_view text) { return std::string(text.data(), text.size()); }

}  // namespace estuary::hdf5::internal
