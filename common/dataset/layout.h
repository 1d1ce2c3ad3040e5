// What a layout of datasets must do; dataset.cc chooses one by what a file holds.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/dataset/dataset.h"
#include "common/hdf5/file.h"

namespace estuary::dataset {

class Layout {
 public:
  virtual ~Layout() = default;

  virtual Info info() const = 0;
  // Rows [first, first + batch.rows) into a batch that has room for them; the caller checked the
  // range.
  virtual absl::Status Read(Batch& batch) const = 0;
  virtual std::string Where(uint64_t row) const = 0;
};

// The file's layout, in this process (isolated.h says why that is for files we trust).
absl::StatusOr<std::unique_ptr<Layout>> OpenHere(const std::string& path);

absl::StatusOr<std::unique_ptr<Layout>> OpenD4rl(hdf5::File file);
absl::StatusOr<std::unique_ptr<Layout>> OpenMinari(hdf5::File file);

// The shape of an array that must be there with so many dimensions, the second one at most 2^20.
absl::StatusOr<hdf5::Shape> ArrayShape(const hdf5::File& file, const std::string& name,
                                       size_t rank);

// Part of an array: rows [first, first + count) into values[at * width...].
template <class T>
absl::Status ReadInto(const hdf5::File& file, const std::string& name, uint64_t first,
                      uint64_t count, size_t at, size_t width, std::vector<T>& values) {
  return file.ReadRows(name, first, count,
                       absl::MakeSpan(values).subspan(at * width, count * width));
}

}  // namespace estuary::dataset
