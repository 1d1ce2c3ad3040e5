// The parameters of one optimiser in one flat tensor, so that Adam, Polyak averaging and copies are
// a handful of operations however many layers there are.
//
// Terms: a *leaf* is a view of the flat storage that nets compute with and autograd differentiates.
// Twin nets (the two critics) share leaves with a leading dimension of 2, so that both run as one
// batched product; a leaf of a weight is transposed, [in, out], so that no step transposes it. A
// *piece* is the part of the flat tensor that has a path of its own in a TensorTree
// ("q2/0/weight"); there weights are [out, in].
//
// Trap: optimisers write into the flat storage behind the leaves. That is sound only between two
// graphs, never between a forward and its backward pass.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "learner/core/tensor_tree.h"

namespace estuary::learner {

// How the last layer of a net starts; the hidden ones start as PyTorch's Linear does.
enum class LastLayer {
  kDefault,
  // Xavier-uniform with gain 0.01, zero bias.
  kNearZero,
};

class ParameterGroup {
 public:
  // Declares the layers `sizes` = {in, hidden..., out} of one net, or of twins where two prefixes
  // are given. Returns the first leaf; weight and bias of layer i are leaves first + 2 i and + 1.
  size_t AddMlp(const std::vector<std::string>& prefixes, const std::vector<int64_t>& sizes,
                LastLayer last);
  // A scalar; where not trained it has no gradient and never changes.
  size_t AddScalar(const std::string& path, double initial, bool trained);

  // Once, after the last declaration: all zeros.
  void Allocate(at::TensorOptions options);
  // In the order of declaration.
  void Initialize(const at::Generator& generator);

  const at::Tensor& flat() const { return flat_; }
  const at::Tensor& leaf(size_t index) const { return leaves_[index].tensor; }
  // Where leaf `index` begins in the flat tensor; one past the last leaf: its end.
  int64_t offset(size_t index) const;

  // d loss / d flat, [size]; a leaf that the loss does not reach has gradient 0.
  const at::Tensor& Differentiate(const at::Tensor& loss);
  // Of the last Differentiate.
  const at::Tensor& gradient() const { return gradient_; }

  // Adds prefix + path to `tree` for every piece of `flat`, a tensor of this group's size.
  void Export(const at::Tensor& flat, const std::string& prefix, TensorTree& tree) const;
  // The reverse; every piece must be there with its shape. `flat` is written only if all are.
  absl::Status Import(const TensorTree& tree, const std::string& prefix, at::Tensor flat) const;

 private:
  struct Leaf {
    // As stored in the flat tensor: [(2,) out, in], [(2, 1,) out] or {}.
    std::vector<int64_t> shape;
    bool weight = false;
    bool trained = true;
    // Initial values: uniform in +-bound, or the constant where bound is 0.
    double bound = 0;
    double constant = 0;
    int64_t offset = 0;
    at::Tensor tensor;
  };
  struct Piece {
    std::string path;
    std::vector<int64_t> shape;
    int64_t offset = 0;
  };

  size_t AddLeaf(Leaf leaf, const std::vector<std::string>& paths,
                 const std::vector<int64_t>& piece_shape);

  std::vector<Leaf> leaves_;
  std::vector<Piece> pieces_;
  int64_t size_ = 0;
  at::Tensor flat_;
  at::Tensor gradient_;
};

// Copies to and from the host, in whatever precision the tensor has.
HostTensor ToHost(const at::Tensor& tensor);
at::Tensor FromHost(const HostTensor& host, at::TensorOptions options);

}  // namespace estuary::learner
