#include "learner/core/parameters.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace estuary::learner {
namespace {

// As autograd returns the gradient of a leaf, back to the flat tensor's order.
at::Tensor InFlatOrder(const at::Tensor& leaf_gradient, bool weight) {
  return (weight ? leaf_gradient.transpose(-1, -2) : leaf_gradient).reshape(-1);
}

}  // namespace

size_t ParameterGroup::AddLeaf(Leaf leaf, const std::vector<std::string>& paths,
                               const std::vector<int64_t>& piece_shape) {
  leaf.offset = size_;
  for (const std::string& path : paths) {
    pieces_.push_back({path, piece_shape, size_});
    size_ += ElementCount(piece_shape);
  }
  leaves_.push_back(std::move(leaf));
  return leaves_.size() - 1;
}

size_t ParameterGroup::AddMlp(const std::vector<std::string>& prefixes,
                              const std::vector<int64_t>& sizes, LastLayer last) {
  const size_t first = leaves_.size();
  for (size_t layer = 0; layer + 1 < sizes.size(); ++layer) {
    const int64_t in = sizes[layer], out = sizes[layer + 1];
    const bool near_zero = layer + 2 == sizes.size() && last == LastLayer::kNearZero;
    // Kaiming-uniform with a = sqrt(5) is a uniform of bound 1 / sqrt(in), for weight and bias.
    const double fan_in_bound = 1 / std::sqrt(static_cast<double>(in));
    const double xavier_bound = 0.01 * std::sqrt(6.0 / static_cast<double>(in + out));
    Leaf weight;
    weight.weight = true;
    weight.shape = {out, in};
    weight.bound = near_zero ? xavier_bound : fan_in_bound;
    Leaf bias;
    bias.shape = {out};
    bias.bound = near_zero ? 0 : fan_in_bound;
    if (prefixes.size() == 2) {
      weight.shape = {2, out, in};
      bias.shape = {2, 1, out};
    }
    std::vector<std::string> weights, biases;
    for (const std::string& prefix : prefixes) {
      weights.push_back(absl::StrCat(prefix, "/", layer, "/weight"));
      biases.push_back(absl::StrCat(prefix, "/", layer, "/bias"));
    }
    AddLeaf(std::move(weight), weights, {out, in});
    AddLeaf(std::move(bias), biases, {out});
  }
  return first;
}

size_t ParameterGroup::AddScalar(const std::string& path, double initial, bool trained) {
  Leaf leaf;
  leaf.trained = trained;
  leaf.constant = initial;
  return AddLeaf(std::move(leaf), {path}, {});
}

void ParameterGroup::Allocate(at::TensorOptions options) {
  flat_ = at::zeros({size_}, options);
  gradient_ = at::zeros({size_}, options);
  for (Leaf& leaf : leaves_) {
    const at::Tensor view = flat_.narrow(0, leaf.offset, ElementCount(leaf.shape)).view(leaf.shape);
    leaf.tensor = (leaf.weight ? view.transpose(-1, -2) : view).detach();
    leaf.tensor.requires_grad_(leaf.trained);
  }
}

void ParameterGroup::Initialize(const at::Generator& generator) {
  const at::NoGradGuard no_grad;
  for (const Leaf& leaf : leaves_) {
    at::Tensor values = flat_.narrow(0, leaf.offset, ElementCount(leaf.shape));
    if (leaf.bound > 0) {
      values.uniform_(-leaf.bound, leaf.bound, generator);
    } else {
      values.fill_(leaf.constant);
    }
  }
}

int64_t ParameterGroup::offset(size_t index) const {
  return index < leaves_.size() ? leaves_[index].offset : size_;
}

const at::Tensor& ParameterGroup::Differentiate(const at::Tensor& loss) {
  std::vector<at::Tensor> trained;
  for (const Leaf& leaf : leaves_) {
    if (leaf.trained) trained.push_back(leaf.tensor);
  }
  const std::vector<at::Tensor> gradients =
      torch::autograd::grad({loss}, trained, /*grad_outputs=*/{}, /*retain_graph=*/c10::nullopt,
                            /*create_graph=*/false, /*allow_unused=*/true);
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> parts;
  size_t next = 0;
  for (const Leaf& leaf : leaves_) {
    at::Tensor gradient = leaf.trained ? gradients[next++] : at::Tensor();
    if (gradient.defined()) {
      parts.push_back(InFlatOrder(gradient, leaf.weight));
    } else {
      parts.push_back(at::zeros({ElementCount(leaf.shape)}, flat_.options()));
    }
  }
  at::cat_out(gradient_, parts);
  return gradient_;
}

void ParameterGroup::Export(const at::Tensor& flat, const std::string& prefix,
                            TensorTree& tree) const {
  const HostTensor host = ToHost(flat);
  for (const Piece& piece : pieces_) {
    const auto begin = host.values.begin() + piece.offset;
    tree[prefix + piece.path] = {piece.shape, {begin, begin + ElementCount(piece.shape)}};
  }
}

absl::Status ParameterGroup::Import(const TensorTree& tree, const std::string& prefix,
                                    at::Tensor flat) const {
  HostTensor host{{size_}, std::vector<double>(static_cast<size_t>(size_))};
  for (const Piece& piece : pieces_) {
    auto found = Find(tree, prefix + piece.path, piece.shape, "the parameters");
    if (!found.ok()) return found.status();
    std::copy((*found)->values.begin(), (*found)->values.end(), host.values.begin() + piece.offset);
  }
  const at::NoGradGuard no_grad;
  flat.copy_(FromHost(host, flat.options()));
  return absl::OkStatus();
}

HostTensor ToHost(const at::Tensor& tensor) {
  const at::Tensor values = tensor.detach().to(at::kCPU, at::kDouble).contiguous();
  const double* data = values.const_data_ptr<double>();
  return {tensor.sizes().vec(), {data, data + values.numel()}};
}

at::Tensor FromHost(const HostTensor& host, at::TensorOptions options) {
  at::Tensor values = at::empty(host.shape, at::TensorOptions().dtype(at::kDouble));
  if (!host.values.empty()) {
    std::memcpy(values.mutable_data_ptr<double>(), host.values.data(),
                host.values.size() * sizeof(double));
  }
  return values.to(options.device(), options.dtype().toScalarType());
}

}  // namespace estuary::learner
