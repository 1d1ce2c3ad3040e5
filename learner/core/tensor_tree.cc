#include "learner/core/tensor_tree.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace estuary::learner {

std::string ShapeToString(const std::vector<int64_t>& shape) {
  return absl::StrCat("[", absl::StrJoin(shape, ", "), "]");
}

int64_t ElementCount(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (int64_t size : shape) {
    if (size < 0 || __builtin_mul_overflow(count, size, &count)) return -1;
  }
  return count;
}

absl::StatusOr<const HostTensor*> Find(const TensorTree& tree, const std::string& path,
                                       const std::vector<int64_t>& shape, absl::string_view what) {
  const auto it = tree.find(path);
  if (it == tree.end()) {
    return absl::NotFoundError(
        absl::StrCat(what, " has no ", path, "; it must be ", ShapeToString(shape)));
  }
  const HostTensor& tensor = it->second;
  if (tensor.shape != shape || static_cast<int64_t>(tensor.values.size()) != ElementCount(shape)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " of ", what, " is ", ShapeToString(tensor.shape), " with ",
                     tensor.values.size(), " values, not ", ShapeToString(shape)));
  }
  return &tensor;
}

}  // namespace estuary::learner
