// Shared by this folder's sources only: owned HDF5 handles, and HDF5's own account of its last
// failure.
#pragma once

#include <hdf5.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/hdf5/file.h"

namespace estuary::hdf5::internal {

class Handle {
 public:
  using Closer = herr_t (*)(hid_t);

  Handle(hid_t id, Closer closer) : id_(id), closer_(closer) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), closer_(other.closer_) {}
  Handle& operator=(Handle&&) = delete;
  ~Handle() {
    if (id_ >= 0) closer_(id_);
  }

  bool ok() const { return id_ >= 0; }
  hid_t get() const { return id_; }

 private:
  hid_t id_;
  Closer closer_;
};

// Keeps HDF5 from printing to stderr on this thread while it lives, and forgets earlier failures.
class QuietErrors {
 public:
  QuietErrors() {
    H5Eget_auto2(H5E_DEFAULT, &function_, &data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    H5Eclear2(H5E_DEFAULT);
  }
  QuietErrors(const QuietErrors&) = delete;
  QuietErrors& operator=(const QuietErrors&) = delete;
  ~QuietErrors() { H5Eset_auto2(H5E_DEFAULT, function_, data_); }

 private:
  H5E_auto2_t function_ = nullptr;
  void* data_ = nullptr;
};

// The innermost reason of the last failure on this thread: "errno = 28, No space left on device".
std::string Reason();

// Types whose values can be read as T: numbers and h5py's booleans.
template <typename T>
hid_t NativeType();

// INVALID_ARGUMENT where `type` cannot be read as T without losing its fraction or its meaning.
absl::Status CheckReadable(const std::string& where, hid_t type, bool as_integer);

// "float64", "uint8", "string"; for messages.
std::string TypeName(hid_t type);

std::string CString(absl::string_view text);

}  // namespace estuary::hdf5::internal
