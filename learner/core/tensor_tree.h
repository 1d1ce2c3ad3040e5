// Tensors outside any framework: how parameters, explicit batches, gradients and checkpoints cross
// the core's boundary. A tree is a map from the paths of an update trace ("policy/0/weight",
// "batch/real/ reward") to values.
//
// Values are double whatever the engine computes in: float32 passes through unchanged, and a
// float64 engine loses nothing.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace estuary::learner {

struct HostTensor {
  // {} is a scalar.
  std::vector<int64_t> shape;
  // C order.
  std::vector<double> values;

  static HostTensor Scalar(double value) { return {{}, {value}}; }
  bool operator==(const HostTensor&) const = default;
};

using TensorTree = std::map<std::string, HostTensor>;

// "[64, 17]".
std::string ShapeToString(const std::vector<int64_t>& shape);
// The number of elements; -1 where a size is negative or the product does not fit.
int64_t ElementCount(const std::vector<int64_t>& shape);

// The tensor at `path`, which must have this shape. NOT_FOUND and INVALID_ARGUMENT name the path
// and both shapes. `what` names the tree in the error ("the batch").
absl::StatusOr<const HostTensor*> Find(const TensorTree& tree, const std::string& path,
                                       const std::vector<int64_t>& shape, absl::string_view what);

}  // namespace estuary::learner
