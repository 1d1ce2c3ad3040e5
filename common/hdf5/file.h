// HDF5 files as the project uses them: datasets of transitions, update traces, recorded rollouts. A
// thin layer over the C API that gives typed arrays instead of handles and turns every failure into
// a Status that names the file, the path in it, and what was expected and found.
//
// Terms: a dataset's *rows* run along its first dimension. An *appendable* dataset has no fixed
// number of rows; it is stored in chunks, so that one far larger than memory is written and read a
// range of rows at a time.
//
// Types: numbers are converted on reading (a file's float64 reads as float), except that a
// floating-point dataset never reads as an integer. Booleans as h5py stores them read as integers.
//
// Threads: a File is used by one thread at a time; different Files are independent.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace estuary::hdf5 {

// Sizes of every dimension, slowest first; {} is a scalar.
using Shape = std::vector<uint64_t>;

// In an expected shape: a dimension of any size.
inline constexpr uint64_t kAnySize = ~uint64_t{0};

// "[100, 17]"; kAnySize prints as "?".
std::string ShapeString(absl::Span<const uint64_t> shape);
// The number of elements. A product that does not fit saturates.
uint64_t ElementCount(absl::Span<const uint64_t> shape);

// Values in C order.
template <typename T>
struct Array {
  Shape shape;
  std::vector<T> values;
};

struct AppendOptions {
  uint64_t chunk_rows = 1024;
  // zlib's level; 0 stores plain.
  int compression = 0;
};

template <typename T>
concept Number = std::same_as<T, float> || std::same_as<T, double> || std::same_as<T, int8_t> ||
    std::same_as<T, uint8_t> || std::same_as<T, int32_t> || std::same_as<T, uint32_t> ||
    std::same_as<T, int64_t> || std::same_as<T, uint64_t>;

class File {
 public:
  // NOT_FOUND where there is no such file, INVALID_ARGUMENT where it is not HDF5.
  static absl::StatusOr<File> Open(const std::string& path);
  // Reads and writes a file that exists.
  static absl::StatusOr<File> OpenForWriting(const std::string& path);
  // Replaces a file that exists.
  static absl::StatusOr<File> Create(const std::string& path);

  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  // Closes too, but cannot report that the last bytes did not reach the disk.
  ~File();

  // Writes out what is buffered.
  absl::Status Flush();
  // Every later call fails with FAILED_PRECONDITION.
  absl::Status Close();

  const std::string& path() const { return path_; }

  bool Exists(absl::string_view object) const;
  // Names in a group, sorted. "/" is the root.
  absl::StatusOr<std::vector<std::string>> List(absl::string_view group) const;
  absl::StatusOr<Shape> DatasetShape(absl::string_view dataset) const;
  // INVALID_ARGUMENT names both shapes. `expected` may hold kAnySize.
  absl::Status ExpectShape(absl::string_view dataset, absl::Span<const uint64_t> expected) const;

  template <Number T>
  absl::StatusOr<Array<T>> Read(absl::string_view dataset) const;
  // As Read, of a dataset that must have this shape.
  template <Number T>
  absl::StatusOr<Array<T>> Read(absl::string_view dataset,
                                absl::Span<const uint64_t> expected) const;
  // Rows [first, first + count) into `values`, which must hold exactly as many.
  template <Number T>
  absl::Status ReadRows(absl::string_view dataset, uint64_t first, uint64_t count,
                        absl::Span<T> values) const;

  // Creates the dataset, and the groups on the way to it. ALREADY_EXISTS where it is there.
  template <Number T>
  absl::Status Write(absl::string_view dataset, absl::Span<const uint64_t> shape,
                     absl::Span<const T> values);
  template <Number T>
  absl::Status WriteScalar(absl::string_view dataset, T value) {
    return Write<T>(dataset, {}, absl::MakeConstSpan(&value, 1));
  }

  // `count` booleans as h5py stores them, all false but the last, which is `last`.
  absl::Status WriteFlags(absl::string_view dataset, uint64_t count, bool last);

  // A dataset of no rows yet, each of `row_shape`.
  template <Number T>
  absl::Status CreateAppendable(absl::string_view dataset, absl::Span<const uint64_t> row_shape,
                                const AppendOptions& options = {});
  // Whole rows after the last.
  template <Number T>
  absl::Status Append(absl::string_view dataset, absl::Span<const T> values);
  // Rows [first, first + count) of a dataset that has them.
  template <Number T>
  absl::Status WriteRows(absl::string_view dataset, uint64_t first, uint64_t count,
                         absl::Span<const T> values);

  // Attributes of a group or dataset ("/" for the file's own). Set replaces one that is there.
  bool HasAttribute(absl::string_view object, absl::string_view name) const;
  absl::StatusOr<std::vector<std::string>> AttributeNames(absl::string_view object) const;
  template <Number T>
  absl::Status SetAttribute(absl::string_view object, absl::string_view name, T value);
  template <Number T>
  absl::Status SetAttribute(absl::string_view object, absl::string_view name,
                            absl::Span<const T> values);
  absl::Status SetAttribute(absl::string_view object, absl::string_view name,
                            absl::string_view value);
  absl::Status SetAttribute(absl::string_view object, absl::string_view name, const char* value) {
    return SetAttribute(object, name, absl::string_view(value));
  }
  absl::Status SetAttribute(absl::string_view object, absl::string_view name,
                            const std::string& value) {
    return SetAttribute(object, name, absl::string_view(value));
  }
  // Of one number.
  template <Number T>
  absl::StatusOr<T> Attribute(absl::string_view object, absl::string_view name) const;
  // Of any shape.
  template <Number T>
  absl::StatusOr<Array<T>> AttributeArray(absl::string_view object, absl::string_view name) const;
  absl::StatusOr<std::string> StringAttribute(absl::string_view object,
                                              absl::string_view name) const;

 private:
  enum class Access { kRead, kWrite };

  File(std::string path, int64_t id, Access access);

  absl::Status CheckOpen() const;
  absl::Status CheckWritable() const;
  // "trace.h5:/in/real" for messages.
  std::string Where(absl::string_view object) const;

  std::string path_;
  // HDF5's handle; negative when closed.
  int64_t id_;
  Access access_;
};

}  // namespace estuary::hdf5
