#include <algorithm>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/hdf5/file.h"
#include "common/hdf5/internal.h"

namespace estuary::hdf5 {

using internal::CheckReadable;
using internal::CString;
using internal::Handle;
using internal::NativeType;
using internal::QuietErrors;
using internal::Reason;

namespace {

// A dataset with its shape, or why it does not open.
struct OpenDataset {
  Handle dataset;
  Handle space;
  Shape shape;
};

std::string KnownNames(const File& file) {
  const absl::StatusOr<std::vector<std::string>> names = file.List("/");
  return names.ok() ? absl::StrJoin(*names, ", ") : "";
}

absl::StatusOr<OpenDataset> OpenDatasetAt(const File& file, int64_t id, const std::string& where,
                                          absl::string_view path) {
  Handle dataset(H5Dopen2(id, CString(path).c_str(), H5P_DEFAULT), H5Dclose);
  if (!dataset.ok()) {
    return absl::NotFoundError(
        absl::StrCat("there is no dataset ", where, "; the file's root holds: ", KnownNames(file)));
  }
  Handle space(H5Dget_space(dataset.get()), H5Sclose);
  const int dimensions = space.ok() ? H5Sget_simple_extent_ndims(space.get()) : -1;
  if (dimensions < 0) {
    return absl::DataLossError(absl::StrCat("cannot read the shape of ", where, ": ", Reason()));
  }
  std::vector<hsize_t> sizes(dimensions);
  H5Sget_simple_extent_dims(space.get(), sizes.data(), nullptr);
  return OpenDataset{std::move(dataset), std::move(space), Shape(sizes.begin(), sizes.end())};
}

bool Matches(const Shape& found, absl::Span<const uint64_t> expected) {
  return std::equal(found.begin(), found.end(), expected.begin(), expected.end(),
                    [](uint64_t a, uint64_t b) { return b == kAnySize || a == b; });
}

absl::Status WrongShape(const std::string& where, const Shape& found,
                        absl::Span<const uint64_t> expected) {
  return absl::InvalidArgumentError(
      absl::StrCat(where, " has shape ", ShapeString(found), ", expected ", ShapeString(expected)));
}

Handle CreateGroupsOnTheWay() {
  Handle list(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
  H5Pset_create_intermediate_group(list.get(), 1);
  return list;
}

absl::Status CreateFailed(const File& file, const std::string& where, absl::string_view path) {
  const std::string reason = Reason();
  if (file.Exists(path)) return absl::AlreadyExistsError(absl::StrCat(where, " is there already"));
  return absl::InternalError(absl::StrCat("cannot create ", where, ": ", reason));
}

// The dataspace of rows [first, first + count) of `open`, and of as many in memory.
struct RowRange {
  Handle file_space;
  Handle memory_space;
};

absl::StatusOr<RowRange> SelectRows(const OpenDataset& open, const std::string& where,
                                    uint64_t first, uint64_t count, size_t values) {
  if (open.shape.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(where, " is a scalar and has no rows"));
  }
  const uint64_t rows = open.shape[0];
  if (first > rows || count > rows - first) {
    return absl::OutOfRangeError(
        absl::StrCat(where, " has ", rows, " rows, wanted ", count, " from row ", first));
  }
  Shape block = open.shape;
  block[0] = count;
  if (ElementCount(block) != values) {
    return absl::InvalidArgumentError(absl::StrCat(where, ": ", count, " rows are ",
                                                   ShapeString(block), ", got room for ", values,
                                                   " values"));
  }
  std::vector<hsize_t> start(block.size(), 0);
  start[0] = first;
  const std::vector<hsize_t> sizes(block.begin(), block.end());
  RowRange range{Handle(H5Dget_space(open.dataset.get()), H5Sclose),
                 Handle(H5Screate_simple(sizes.size(), sizes.data(), nullptr), H5Sclose)};
  if (H5Sselect_hyperslab(range.file_space.get(), H5S_SELECT_SET, start.data(), nullptr,
                          sizes.data(), nullptr) < 0) {
    return absl::InternalError(absl::StrCat("cannot address rows of ", where, ": ", Reason()));
  }
  return range;
}

template <typename T>
absl::Status CheckType(const OpenDataset& open, const std::string& where) {
  const Handle type(H5Dget_type(open.dataset.get()), H5Tclose);
  return CheckReadable(where, type.get(), std::is_integral_v<T>);
}

// A damaged shape must not make us ask for all memory: zlib packs at most 1032 to 1.
template <typename T>
absl::Status CheckPlausible(const OpenDataset& open, const std::string& where) {
  constexpr uint64_t kMostPacked = 1032;
  const uint64_t stored = std::max<uint64_t>(H5Dget_storage_size(open.dataset.get()), 1024);
  if (ElementCount(open.shape) / kMostPacked <= stored) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(where, " claims shape ", ShapeString(open.shape), " in ",
                                          stored, " stored bytes; is the file damaged?"));
}

}  // namespace

absl::StatusOr<Shape> File::DatasetShape(absl::string_view dataset) const {
  if (absl::Status open = CheckOpen(); !open.ok()) return open;
  QuietErrors quiet;
  absl::StatusOr<OpenDataset> open = OpenDatasetAt(*this, id_, Where(dataset), dataset);
  if (!open.ok()) return open.status();
  return open->shape;
}

absl::Status File::ExpectShape(absl::string_view dataset,
                               absl::Span<const uint64_t> expected) const {
  const absl::StatusOr<Shape> found = DatasetShape(dataset);
  if (!found.ok()) return found.status();
  if (!Matches(*found, expected)) return WrongShape(Where(dataset), *found, expected);
  return absl::OkStatus();
}

template <Number T>
absl::StatusOr<Array<T>> File::Read(absl::string_view dataset) const {
  if (absl::Status open = CheckOpen(); !open.ok()) return open;
  QuietErrors quiet;
  const std::string where = Where(dataset);
  absl::StatusOr<OpenDataset> open = OpenDatasetAt(*this, id_, where, dataset);
  if (!open.ok()) return open.status();
  if (absl::Status type = CheckType<T>(*open, where); !type.ok()) return type;
  if (absl::Status plausible = CheckPlausible<T>(*open, where); !plausible.ok()) return plausible;
  Array<T> array;
  array.shape = std::move(open->shape);
  array.values.resize(ElementCount(array.shape));
  if (array.values.empty()) return array;
  if (H5Dread(open->dataset.get(), NativeType<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT,
              array.values.data()) < 0) {
    return absl::DataLossError(absl::StrCat("cannot read ", where, ": ", Reason()));
  }
  return array;
}

template <Number T>
absl::StatusOr<Array<T>> File::Read(absl::string_view dataset,
                                    absl::Span<const uint64_t> expected) const {
  if (absl::Status shape = ExpectShape(dataset, expected); !shape.ok()) return shape;
  return Read<T>(dataset);
}

template <Number T>
absl::Status File::ReadRows(absl::string_view dataset, uint64_t first, uint64_t count,
                            absl::Span<T> values) const {
  if (absl::Status open = CheckOpen(); !open.ok()) return open;
  QuietErrors quiet;
  const std::string where = Where(dataset);
  const absl::StatusOr<OpenDataset> open = OpenDatasetAt(*this, id_, where, dataset);
  if (!open.ok()) return open.status();
  if (absl::Status type = CheckType<T>(*open, where); !type.ok()) return type;
  const absl::StatusOr<RowRange> range = SelectRows(*open, where, first, count, values.size());
  if (!range.ok()) return range.status();
  if (values.empty()) return absl::OkStatus();
  if (H5Dread(open->dataset.get(), NativeType<T>(), range->memory_space.get(),
              range->file_space.get(), H5P_DEFAULT, values.data()) < 0) {
    return absl::DataLossError(absl::StrCat("cannot read ", where, ": ", Reason()));
  }
  return absl::OkStatus();
}

template <Number T>
absl::Status File::Write(absl::string_view dataset, absl::Span<const uint64_t> shape,
                         absl::Span<const T> values) {
  if (absl::Status writable = CheckWritable(); !writable.ok()) return writable;
  const std::string where = Where(dataset);
  if (ElementCount(shape) != values.size()) {
    return absl::InvalidArgumentError(absl::StrCat(where, " of shape ", ShapeString(shape),
                                                   " cannot hold ", values.size(), " values"));
  }
  QuietErrors quiet;
  const std::vector<hsize_t> sizes(shape.begin(), shape.end());
  const Handle space(
      sizes.empty() ? H5Screate(H5S_SCALAR) : H5Screate_simple(sizes.size(), sizes.data(), nullptr),
      H5Sclose);
  const Handle groups = CreateGroupsOnTheWay();
  const Handle created(H5Dcreate2(id_, CString(dataset).c_str(), NativeType<T>(), space.get(),
                                  groups.get(), H5P_DEFAULT, H5P_DEFAULT),
                       H5Dclose);
  if (!created.ok()) return CreateFailed(*this, where, dataset);
  if (values.empty()) return absl::OkStatus();
  if (H5Dwrite(created.get(), NativeType<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
    return absl::InternalError(absl::StrCat("cannot write ", where, ": ", Reason()));
  }
  return absl::OkStatus();
}

absl::Status File::WriteFlags(absl::string_view dataset, uint64_t count, bool last) {
  if (absl::Status writable = CheckWritable(); !writable.ok()) return writable;
  const std::string where = Where(dataset);
  QuietErrors quiet;
  const Handle type(H5Tenum_create(H5T_NATIVE_INT8), H5Tclose);
  for (const auto& [name, value] : {std::pair{"FALSE", int8_t{0}}, std::pair{"TRUE", int8_t{1}}}) {
    H5Tenum_insert(type.get(), name, &value);
  }
  const hsize_t size = count;
  const Handle space(H5Screate_simple(1, &size, nullptr), H5Sclose);
  const Handle groups = CreateGroupsOnTheWay();
  const Handle created(H5Dcreate2(id_, CString(dataset).c_str(), type.get(), space.get(),
                                  groups.get(), H5P_DEFAULT, H5P_DEFAULT),
                       H5Dclose);
  if (!created.ok()) return CreateFailed(*this, where, dataset);
  std::vector<int8_t> flags(count, 0);
  if (flags.empty()) return absl::OkStatus();
  flags.back() = last ? 1 : 0;
  if (H5Dwrite(created.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, flags.data()) < 0) {
    return absl::InternalError(absl::StrCat("cannot write ", where, ": ", Reason()));
  }
  return absl::OkStatus();
}

template <Number T>
absl::Status File::CreateAppendable(absl::string_view dataset, absl::Span<const uint64_t> row_shape,
                                    const AppendOptions& options) {
  if (absl::Status writable = CheckWritable(); !writable.ok()) return writable;
  const std::string where = Where(dataset);
  std::vector<hsize_t> sizes{0};
  sizes.insert(sizes.end(), row_shape.begin(), row_shape.end());
  std::vector<hsize_t> chunk = sizes;
  chunk[0] = options.chunk_rows;
  if (std::find(chunk.begin(), chunk.end(), 0u) != chunk.end()) {
    return absl::InvalidArgumentError(absl::StrCat(where, ": rows of shape ",
                                                   ShapeString(row_shape), " in chunks of ",
                                                   options.chunk_rows, " rows hold nothing"));
  }
  std::vector<hsize_t> limits = sizes;
  limits[0] = H5S_UNLIMITED;
  QuietErrors quiet;
  const Handle space(H5Screate_simple(sizes.size(), sizes.data(), limits.data()), H5Sclose);
  const Handle layout(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  if (H5Pset_chunk(layout.get(), chunk.size(), chunk.data()) < 0 ||
      (options.compression > 0 && H5Pset_deflate(layout.get(), options.compression) < 0)) {
    return absl::InvalidArgumentError(absl::StrCat(where, ": chunks of ", options.chunk_rows,
                                                   " rows at compression ", options.compression,
                                                   " are refused: ", Reason()));
  }
  const Handle groups = CreateGroupsOnTheWay();
  const Handle created(H5Dcreate2(id_, CString(dataset).c_str(), NativeType<T>(), space.get(),
                                  groups.get(), layout.get(), H5P_DEFAULT),
                       H5Dclose);
  return created.ok() ? absl::OkStatus() : CreateFailed(*this, where, dataset);
}

template <Number T>
absl::Status File::Append(absl::string_view dataset, absl::Span<const T> values) {
  if (absl::Status writable = CheckWritable(); !writable.ok()) return writable;
  uint64_t first = 0;
  uint64_t rows = 0;
  const std::string where = Where(dataset);
  {
    QuietErrors quiet;
    const absl::StatusOr<OpenDataset> open = OpenDatasetAt(*this, id_, where, dataset);
    if (!open.ok()) return open.status();
    Shape row = open->shape;
    if (row.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(where, " is a scalar and has no rows"));
    }
    first = row[0];
    row.erase(row.begin());
    const uint64_t row_values = ElementCount(row);
    if (row_values == 0 || values.size() % row_values != 0) {
      return absl::InvalidArgumentError(absl::StrCat(where, " has rows of shape ", ShapeString(row),
                                                     ", got ", values.size(),
                                                     " values, which are not whole rows"));
    }
    rows = values.size() / row_values;
    std::vector<hsize_t> sizes(open->shape.begin(), open->shape.end());
    sizes[0] += rows;
    if (H5Dset_extent(open->dataset.get(), sizes.data()) < 0) {
      return absl::FailedPreconditionError(
          absl::StrCat(where, " cannot grow; was it made appendable? ", Reason()));
    }
  }
  return WriteRows<T>(dataset, first, rows, values);
}

template <Number T>
absl::Status File::WriteRows(absl::string_view dataset, uint64_t first, uint64_t count,
                             absl::Span<const T> values) {
  if (absl::Status writable = CheckWritable(); !writable.ok()) return writable;
  QuietErrors quiet;
  const std::string where = Where(dataset);
  const absl::StatusOr<OpenDataset> open = OpenDatasetAt(*this, id_, where, dataset);
  if (!open.ok()) return open.status();
  const Handle type(H5Dget_type(open->dataset.get()), H5Tclose);
  if (H5Tequal(type.get(), NativeType<T>()) <= 0) {
    return absl::InvalidArgumentError(absl::StrCat(where, " holds ", internal::TypeName(type.get()),
                                                   ", got ", internal::TypeName(NativeType<T>())));
  }
  const absl::StatusOr<RowRange> range = SelectRows(*open, where, first, count, values.size());
  if (!range.ok()) return range.status();
  if (values.empty()) return absl::OkStatus();
  if (H5Dwrite(open->dataset.get(), NativeType<T>(), range->memory_space.get(),
               range->file_space.get(), H5P_DEFAULT, values.data()) < 0) {
    return absl::InternalError(absl::StrCat("cannot write ", where, ": ", Reason()));
  }
  return absl::OkStatus();
}

#define ESTUARY_HDF5_INSTANTIATE(T)                                                              \
  template absl::StatusOr<Array<T>> File::Read<T>(absl::string_view) const;                      \
  template absl::StatusOr<Array<T>> File::Read<T>(absl::string_view, absl::Span<const uint64_t>) \
      const;                                                                                     \
  template absl::Status File::ReadRows<T>(absl::string_view, uint64_t, uint64_t, absl::Span<T>)  \
      const;                                                                                     \
  template absl::Status File::Write<T>(absl::string_view, absl::Span<const uint64_t>,            \
                                       absl::Span<const T>);                                     \
  template absl::Status File::CreateAppendable<T>(absl::string_view, absl::Span<const uint64_t>, \
                                                  const AppendOptions&);                         \
  template absl::Status File::Append<T>(absl::string_view, absl::Span<const T>);                 \
  template absl::Status File::WriteRows<T>(absl::string_view, uint64_t, uint64_t,                \
                                           absl::Span<const T>);

ESTUARY_HDF5_INSTANTIATE(float)
ESTUARY_HDF5_INSTANTIATE(double)
ESTUARY_HDF5_INSTANTIATE(int8_t)
ESTUARY_HDF5_INSTANTIATE(uint8_t)
ESTUARY_HDF5_INSTANTIATE(int32_t)
ESTUARY_HDF5_INSTANTIATE(uint32_t)
ESTUARY_HDF5_INSTANTIATE(int64_t)
ESTUARY_HDF5_INSTANTIATE(uint64_t)

#undef ESTUARY_HDF5_INSTANTIATE

}  // namespace estuary::hdf5
