#include "common/hdf5/file.h"

#include <sys/stat.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/hdf5/internal.h"

namespace estuary::hdf5 {

using internal::CString;
using internal::Handle;
using internal::QuietErrors;
using internal::Reason;

static_assert(sizeof(hid_t) == sizeof(int64_t));

std::string ShapeString(absl::Span<const uint64_t> shape) {
  return absl::StrCat("[",
                      absl::StrJoin(shape, ", ",
                                    [](std::string* out, uint64_t size) {
                                      if (size == kAnySize) {
                                        out->append("?");
                                      } else {
                                        absl::StrAppend(out, size);
                                      }
                                    }),
                      "]");
}

uint64_t ElementCount(absl::Span<const uint64_t> shape) {
  uint64_t count = 1;
  for (const uint64_t size : shape) {
    if (__builtin_mul_overflow(count, size, &count)) return std::numeric_limits<uint64_t>::max();
  }
  return count;
}

File::File(std::string path, int64_t id, Access access)
    : path_(std::move(path)), id_(id), access_(access) {}

File::File(File&& other) noexcept
    : path_(std::move(other.path_)), id_(std::exchange(other.id_, -1)), access_(other.access_) {}

File& File::operator=(File&& other) noexcept {
  if (this != &other) {
    Close().IgnoreError();
    path_ = std::move(other.path_);
    id_ = std::exchange(other.id_, -1);
    access_ = other.access_;
  }
  return *this;
}

File::~File() { Close().IgnoreError(); }

namespace {

absl::StatusOr<hid_t> OpenExisting(const std::string& path, unsigned flags) {
  QuietErrors quiet;
  struct stat file;
  if (stat(path.c_str(), &file) != 0) {
    return absl::NotFoundError(absl::StrCat("there is no file ", path));
  }
  const hid_t id = H5Fopen(path.c_str(), flags, H5P_DEFAULT);
  if (id >= 0) return id;
  const std::string reason = Reason();
  return absl::InvalidArgumentError(
      absl::StrCat(path, " (", file.st_size, " bytes) does not open as HDF5: ", reason));
}

}  // namespace

absl::StatusOr<File> File::Open(const std::string& path) {
  const absl::StatusOr<hid_t> id = OpenExisting(path, H5F_ACC_RDONLY);
  if (!id.ok()) return id.status();
  return File(path, *id, Access::kRead);
}

absl::StatusOr<File> File::OpenForWriting(const std::string& path) {
  const absl::StatusOr<hid_t> id = OpenExisting(path, H5F_ACC_RDWR);
  if (!id.ok()) return id.status();
  return File(path, *id, Access::kWrite);
}

absl::StatusOr<File> File::Create(const std::string& path) {
  QuietErrors quiet;
  const hid_t id = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  if (id < 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot create the HDF5 file ", path, ": ", Reason()));
  }
  return File(path, id, Access::kWrite);
}

absl::Status File::CheckOpen() const {
  if (id_ >= 0) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("the HDF5 file ", path_, " is closed"));
}

absl::Status File::CheckWritable() const {
  if (absl::Status open = CheckOpen(); !open.ok()) return open;
  if (access_ == Access::kWrite) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the HDF5 file ", path_, " is open for reading only"));
}

std::string File::Where(absl::string_view object) const { return absl::StrCat(path_, ":", object); }

absl::Status File::Flush() {
  if (absl::Status open = CheckOpen(); !open.ok()) return open;
  QuietErrors quiet;
  if (H5Fflush(id_, H5F_SCOPE_GLOBAL) < 0) {
    return absl::InternalError(absl::StrCat("cannot write ", path_, " out: ", Reason()));
  }
  return absl::OkStatus();
}

absl::Status File::Close() {
  if (id_ < 0) return absl::OkStatus();
  QuietErrors quiet;
  const hid_t id = std::exchange(id_, -1);
  if (H5Fclose(id) < 0) {
    return absl::InternalError(absl::StrCat("cannot finish writing ", path_, ": ", Reason()));
  }
  return absl::OkStatus();
}

bool File::Exists(absl::string_view object) const {
  if (id_ < 0) return false;
  QuietErrors quiet;
  // H5Lexists fails rather than answering no where a group on the way is missing.
  for (size_t end = 1; end <= object.size(); ++end) {
    if (end != object.size() && object[end] != '/') continue;
    const std::string prefix = CString(object.substr(0, end));
    if (prefix != "/" && H5Lexists(id_, prefix.c_str(), H5P_DEFAULT) <= 0) return false;
  }
  return !object.empty();
}

absl::StatusOr<std::vector<std::string>> File::List(absl::string_view group) const {
  if (absl::Status open = CheckOpen(); !open.ok()) return open;
  QuietErrors quiet;
  const Handle handle(H5Gopen2(id_, CString(group).c_str(), H5P_DEFAULT), H5Gclose);
  if (!handle.ok()) {
    return absl::NotFoundError(absl::StrCat("there is no group ", Where(group)));
  }
  std::vector<std::string> names;
  const auto add = [](hid_t, const char* name, const H5L_info_t*, void* names) -> herr_t {
    static_cast<std::vector<std::string>*>(names)->emplace_back(name);
    return 0;
  };
  if (H5Literate(handle.get(), H5_INDEX_NAME, H5_ITER_INC, nullptr, add, &names) < 0) {
    return absl::DataLossError(absl::StrCat("cannot list ", Where(group), ": ", Reason()));
  }
  return names;
}

}  // namespace estuary::hdf5
