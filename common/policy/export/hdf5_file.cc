#include "common/policy/export/hdf5_file.h"

#include "common/hdf5/file.h"
#include "common/process/status.h"

namespace estuary::policy {

absl::Status WriteHdf5(const std::string& path, const PolicyArrays& policy) {
  ESTUARY_ASSIGN_OR_RETURN(hdf5::File file, hdf5::File::Create(path));
  for (const NamedArray& array : policy.arrays) {
    ESTUARY_RETURN_IF_ERROR(
        file.Write<float>("/" + array.name, absl::MakeConstSpan(array.shape), array.values));
  }
  for (const auto& [name, value] : policy.numbers) {
    ESTUARY_RETURN_IF_ERROR(file.SetAttribute<uint64_t>("/", name, value));
  }
  for (const auto& [name, text] : policy.texts) {
    ESTUARY_RETURN_IF_ERROR(file.SetAttribute("/", name, text));
  }
  return file.Close();
}

}  // namespace estuary::policy
