#include <cstring>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "common/hdf5/file.h"
#include "common/hdf5/internal.h"

namespace estuary::hdf5 {

using internal::CheckReadable;
using internal::CString;
using internal::Handle;
using internal::NativeType;
using internal::QuietErrors;
using internal::Reason;
using internal::TypeName;

namespace {

std::string AttributeWhere(const std::string& object, absl::string_view name) {
  return absl::StrCat("attribute '", name, "' of ", object);
}

absl::StatusOr<Handle> OpenAttribute(int64_t id, const std::string& where_object,
                                     absl::string_view object, absl::string_view name) {
  Handle attribute(
      H5Aopen_by_name(id, CString(object).c_str(), CString(name).c_str(), H5P_DEFAULT, H5P_DEFAULT),
      H5Aclose);
  if (attribute.ok()) return attribute;
  return absl::NotFoundError(absl::StrCat("there is no ", AttributeWhere(where_object, name)));
}

absl::Status WriteAttribute(int64_t id, const std::string& where_object, absl::string_view object,
                            absl::string_view name, hid_t type, hid_t space, const void* value) {
  const std::string object_path = CString(object);
  const std::string name_text = CString(name);
  if (H5Aexists_by_name(id, object_path.c_str(), name_text.c_str(), H5P_DEFAULT) > 0) {
    H5Adelete_by_name(id, object_path.c_str(), name_text.c_str(), H5P_DEFAULT);
  }
  const Handle attribute(H5Acreate_by_name(id, object_path.c_str(), name_text.c_str(), type, space,
                                           H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                         H5Aclose);
  if (!attribute.ok() || H5Awrite(attribute.get(), type, value) < 0) {
    return absl::InternalError(
        absl::StrCat("cannot write ", AttributeWhere(where_object, name), ": ", Reason()));
  }
  return absl::OkStatus();
}

}  // namespace

bool File::HasAttribute(absl::string_view object, absl::string_view name) const {
  if (id_ < 0) return false;
  QuietErrors quiet;
  return H5Aexists_by_name(id_, CString(object).c_str(), CString(name).c_str(), H5P_DEFAULT) > 0;
}

absl::StatusOr<std::vector<std::string>> File::AttributeNames(absl::string_view object) const {
  if (absl::Status open = CheckOpen(); !open.ok()) return open;
  QuietErrors quiet;
  std::vector<std::string> names;
  const auto add = [](hid_t, const char* name, const H5A_info_t*, void* names) -> herr_t {
    static_cast<std::vector<std::string>*>(names)->emplace_back(name);
    return 0;
  };
  if (H5Aiterate_by_name(id_, CString(object).c_str(), H5_INDEX_NAME, H5_ITER_INC, nullptr, add,
                         &names, H5P_DEFAULT) < 0) {
    return absl::NotFoundError(
        absl::StrCat("cannot list attributes of ", Where(object), ": ", Reason()));
  }
  return names;
}

template <Number T>
absl::Status File::SetAttribute(absl::string_view object, absl::string_view name, T value) {
  if (absl::Status writable = CheckWritable(); !writable.ok()) return writable;
  QuietErrors quiet;
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  return WriteAttribute(id_, Where(object), object, name, NativeType<T>(), space.get(), &value);
}

template <Number T>
absl::Status File::SetAttribute(absl::string_view object, absl::string_view name,
                                absl::Span<const T> values) {
  if (absl::Status writable = CheckWritable(); !writable.ok()) return writable;
  QuietErrors quiet;
  const hsize_t size = values.size();
  const Handle space(H5Screate_simple(1, &size, nullptr), H5Sclose);
  return WriteAttribute(id_, Where(object), object, name, NativeType<T>(), space.get(),
                        values.data());
}

absl::Status File::SetAttribute(absl::string_view object, absl::string_view name,
                                absl::string_view value) {
  if (absl::Status writable = CheckWritable(); !writable.ok()) return writable;
  QuietErrors quiet;
  const Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  // Of variable length and UTF-8: h5py then reads a str.
  H5Tset_size(type.get(), H5T_VARIABLE);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  const std::string text = CString(value);
  const char* const pointer = text.c_str();
  return WriteAttribute(id_, Where(object), object, name, type.get(), space.get(), &pointer);
}

template <Number T>
absl::StatusOr<Array<T>> File::AttributeArray(absl::string_view object,
                                              absl::string_view name) const {
  if (absl::Status open = CheckOpen(); !open.ok()) return open;
  QuietErrors quiet;
  const absl::StatusOr<Handle> attribute = OpenAttribute(id_, Where(object), object, name);
  if (!attribute.ok()) return attribute.status();
  const std::string where = AttributeWhere(Where(object), name);
  const Handle type(H5Aget_type(attribute->get()), H5Tclose);
  if (absl::Status readable = CheckReadable(where, type.get(), std::is_integral_v<T>);
      !readable.ok()) {
    return readable;
  }
  const Handle space(H5Aget_space(attribute->get()), H5Sclose);
  std::vector<hsize_t> sizes(std::max(0, H5Sget_simple_extent_ndims(space.get())));
  H5Sget_simple_extent_dims(space.get(), sizes.data(), nullptr);
  Array<T> array;
  array.shape.assign(sizes.begin(), sizes.end());
  array.values.resize(ElementCount(array.shape));
  if (!array.values.empty() &&
      H5Aread(attribute->get(), NativeType<T>(), array.values.data()) < 0) {
    return absl::DataLossError(absl::StrCat("cannot read ", where, ": ", Reason()));
  }
  return array;
}

template <Number T>
absl::StatusOr<T> File::Attribute(absl::string_view object, absl::string_view name) const {
  const absl::StatusOr<Array<T>> array = AttributeArray<T>(object, name);
  if (!array.ok()) return array.status();
  if (array->values.size() != 1) {
    return absl::InvalidArgumentError(absl::StrCat(AttributeWhere(Where(object), name),
                                                   " has shape ", ShapeString(array->shape),
                                                   ", expected one number"));
  }
  return array->values[0];
}

absl::StatusOr<std::string> File::StringAttribute(absl::string_view object,
                                                  absl::string_view name) const {
  if (absl::Status open = CheckOpen(); !open.ok()) return open;
  QuietErrors quiet;
  const absl::StatusOr<Handle> attribute = OpenAttribute(id_, Where(object), object, name);
  if (!attribute.ok()) return attribute.status();
  const std::string where = AttributeWhere(Where(object), name);
  const Handle type(H5Aget_type(attribute->get()), H5Tclose);
  if (H5Tget_class(type.get()) != H5T_STRING) {
    return absl::InvalidArgumentError(
        absl::StrCat(where, " holds ", TypeName(type.get()), ", expected a string"));
  }
  const Handle space(H5Aget_space(attribute->get()), H5Sclose);
  const hssize_t count = H5Sget_simple_extent_npoints(space.get());
  if (count != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(where, " holds ", count, " strings, expected one"));
  }
  if (H5Tis_variable_str(type.get()) > 0) {
    char* text = nullptr;
    if (H5Aread(attribute->get(), type.get(), &text) < 0) {
      return absl::DataLossError(absl::StrCat("cannot read ", where, ": ", Reason()));
    }
    std::string value = text == nullptr ? "" : text;
    H5free_memory(text);
    return value;
  }
  std::string value(H5Tget_size(type.get()), '\0');
  if (H5Aread(attribute->get(), type.get(), value.data()) < 0) {
    return absl::DataLossError(absl::StrCat("cannot read ", where, ": ", Reason()));
  }
  value.resize(strnlen(value.data(), value.size()));
  return value;
}

#define ESTUARY_HDF5_INSTANTIATE(T)                                                               \
  template absl::Status File::SetAttribute<T>(absl::string_view, absl::string_view, T);           \
  template absl::Status File::SetAttribute<T>(absl::string_view, absl::string_view,               \
                                              absl::Span<const T>);                               \
  template absl::StatusOr<Array<T>> File::AttributeArray<T>(absl::string_view, absl::string_view) \
      const;                                                                                      \
  template absl::StatusOr<T> File::Attribute<T>(absl::string_view, absl::string_view) const;

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
