#include "learner/core/native/mlp.h"

#include <algorithm>

namespace estuary::learner::native {
namespace {

// Rows of a product whose result is worked on while it is in the first-level cache.
constexpr int kBlockRows = 64;
// Rows of an input gradient's product: few, since their number changes from step to step.
constexpr int kChosenRows = 16;

int64_t WidestHidden(const MlpLayout& layout) {
  int64_t widest = 0;
  for (const DenseLayer& layer : layout.layers) {
    if (!layer.last) widest = std::max(widest, layer.HiddenLd());
  }
  return widest;
}

// The gradient of layer `l`'s inputs from that of its outputs.
ProductShape InputGradientShape(const MlpLayout& layout, size_t l) {
  const DenseLayer& layer = layout.layers[l];
  ProductShape shape;
  shape.columns = layer.inputs;
  shape.depth = layer.outputs;
  shape.in_ld = layer.HiddenLd();
  shape.weight_ld = Padded(layer.inputs);
  shape.out_ld = layout.layers[l - 1].HiddenLd();
  return shape;
}

}  // namespace

MlpLayout::MlpLayout(int inputs, const std::vector<int>& hidden, int outputs, bool mirrored,
                     int64_t& offset, int64_t& mirror_offset) {
  std::vector<int> sizes = {inputs};
  sizes.insert(sizes.end(), hidden.begin(), hidden.end());
  sizes.push_back(outputs);
  for (size_t i = 0; i + 1 < sizes.size(); ++i) {
    DenseLayer layer;
    layer.inputs = sizes[i];
    layer.outputs = sizes[i + 1];
    layer.first = i == 0;
    layer.last = i + 2 == sizes.size();
    layer.ld = layer.last ? Padded(layer.inputs + 1) : Padded(layer.outputs);
    layer.size = layer.ld * (layer.last ? layer.outputs : layer.inputs + 1);
    layer.offset = offset;
    offset += layer.size;
    if (mirrored && !layer.first && !layer.last) {
      layer.mirror = mirror_offset;
      mirror_offset += layer.outputs * Padded(layer.inputs);
    }
    layers.push_back(layer);
  }
}

void RefreshMirror(const MlpLayout& layout, const float* values, float* mirror) {
  for (const DenseLayer& layer : layout.layers) {
    if (layer.mirror < 0) continue;
    BestKernels().transpose(values + layer.offset, layer.ld, layer.inputs, layer.outputs,
                            mirror + layer.mirror, Padded(layer.inputs));
  }
}

MlpPass::Blocked MlpPass::MakeBlocked(ProductShape shape) const {
  Blocked blocked;
  if (rows_ >= kBlockRows) {
    shape.rows = kBlockRows;
    blocked.block = Product(shape);
  }
  shape.rows = rows_ % kBlockRows;
  blocked.rest = Product(shape);
  return blocked;
}

MlpPass::MlpPass(const MlpLayout& layout, const Options& options)
    : layout_(&layout),
      rows_(options.rows),
      keep_(options.keep),
      backward_follows_(options.backward),
      input_ld_(options.input_ld) {
  const int stored = keep_ ? rows_ : std::min(rows_, kBlockRows);
  const size_t count = layout.layers.size();
  for (size_t l = 0; l < count; ++l) {
    const DenseLayer& layer = layout.layers[l];
    if (layer.last) continue;
    const int64_t ld = layer.HiddenLd();
    Floats& hidden = hidden_.emplace_back(stored * ld);
    for (int row = 0; row < stored; ++row) hidden[row * ld + layer.outputs] = 1;
    ProductShape shape;
    shape.columns = layer.outputs;
    shape.depth = layer.inputs + 1;
    shape.in_ld = l == 0 ? options.input_ld : layout.layers[l - 1].HiddenLd();
    shape.weight_ld = layer.ld;
    shape.out_ld = ld;
    forward_.push_back(MakeBlocked(shape));
  }
  output_ = Floats(layout.layers.back().outputs * output_ld());
  if (!options.backward) return;

  for (Floats& scratch : scratch_) scratch = Floats(rows_ * WidestHidden(layout));
  backward_.resize(count);
  for (const bool accumulate : {false, true}) {
    for (size_t l = 0; l < count; ++l) {
      const DenseLayer& layer = layout.layers[l];
      ProductShape shape;
      shape.accumulate = accumulate;
      shape.depth = rows_;
      shape.out_ld = layer.ld;
      if (layer.last) {
        // [outputs][inputs]: the gradients' planes are rows.
        shape.rows = layer.outputs;
        shape.columns = static_cast<int>(layer.ld);
        shape.in_ld = output_ld();
        shape.weight_ld = layer.ld;
      } else {
        shape.rows = layer.inputs + 1;
        shape.columns = layer.outputs;
        shape.in_transposed = true;
        shape.in_ld = l == 0 ? options.input_ld : layout.layers[l - 1].HiddenLd();
        shape.weight_ld = layer.HiddenLd();
      }
      gradient_[accumulate].push_back(Product(shape));
    }
  }
  for (size_t l = 1; l + 1 < count; ++l) {
    backward_[l] = MakeBlocked(InputGradientShape(layout, l));
  }
}

// run(first row, rows, whether it is a whole block).
template <typename Run>
void MlpPass::ForBlocks(Run run) {
  int row = 0;
  for (; row + kBlockRows <= rows_; row += kBlockRows) run(row, kBlockRows, true);
  if (row < rows_) run(row, rows_ - row, false);
}

void MlpPass::ForwardBlock(const MlpWeights& weights, size_t first, const float* in, int64_t at,
                           int row, int rows, bool whole) {
  const Kernels& kernels = BestKernels();
  const DenseLayer& last = layout_->layers.back();
  for (size_t l = first; l < hidden_.size(); ++l) {
    const DenseLayer& layer = layout_->layers[l];
    float* out = hidden_[l].data() + at * layer.HiddenLd();
    const Product& product = whole ? forward_[l].block : forward_[l].rest;
    product(in, weights.values + layer.offset, out);
    if (l + 1 < hidden_.size()) kernels.relu(out, rows * layer.HiddenLd());
    in = out;
  }
  // The last ReLU goes with the reading.
  kernels.relu_row_dots(hidden_.back().data() + at * last.ld, last.ld, rows,
                        weights.values + last.offset, last.ld, last.outputs, output_.data() + row,
                        output_ld(), /*store=*/backward_follows_);
}

void MlpPass::Forward(const MlpWeights& weights, const float* input) {
  ForBlocks([&](int row, int rows, bool whole) {
    ForwardBlock(weights, 0, input + row * input_ld_, keep_ ? row : 0, row, rows, whole);
  });
}

void MlpPass::ForwardFromHidden(const MlpWeights& weights) {
  ForBlocks([&](int row, int rows, bool whole) {
    ForwardBlock(weights, 1, hidden_[0].data() + row * layout_->layers[0].HiddenLd(), row, row,
                 rows, whole);
  });
}

void MlpPass::Backward(const MlpWeights& weights, const float* input, const float* output_gradient,
                       float* gradient, bool accumulate) {
  const Kernels& kernels = BestKernels();
  const auto& layers = layout_->layers;
  const std::vector<Product>& products = gradient_[accumulate];
  size_t l = layers.size() - 1;
  const DenseLayer& last = layers[l];
  products[l](output_gradient, hidden_[l - 1].data(), gradient + last.offset);
  float* above = scratch_[0].data();
  float* below = scratch_[1].data();
  kernels.outer_masked(output_gradient, output_ld(), last.outputs, weights.values + last.offset,
                       last.ld, hidden_[l - 1].data(), last.ld, rows_, nullptr, above);
  for (--l; l > 0; --l) {
    const DenseLayer& layer = layers[l];
    const float* h = hidden_[l - 1].data();
    const int64_t ld = layers[l - 1].HiddenLd();
    products[l](h, above, gradient + layer.offset);
    ForBlocks([&](int row, int rows, bool whole) {
      const Product& product = whole ? backward_[l].block : backward_[l].rest;
      float* out = below + row * ld;
      product(above + row * layer.HiddenLd(), weights.mirror + layer.mirror, out);
      kernels.mask(out, h + row * ld, ld, rows, nullptr);
    });
    std::swap(above, below);
  }
  products[0](input, above, gradient + layers[0].offset);
}

InputGradient::InputGradient(const MlpLayout& layout, int rows, int first, int count)
    : first_(first), count_(count) {
  const int64_t stored = (rows + kChosenRows - 1) / kChosenRows * kChosenRows;
  for (Floats& scratch : scratch_) scratch = Floats(stored * WidestHidden(layout));
  backward_.resize(layout.layers.size());
  for (size_t l = 1; l + 1 < layout.layers.size(); ++l) {
    ProductShape shape = InputGradientShape(layout, l);
    shape.rows = kChosenRows;
    backward_[l] = Product(shape);
  }
}

void InputGradient::Run(const MlpLayout& layout, const MlpWeights& weights, const MlpPass& pass,
                        const int* rows, int count, const float* output_gradient, float* out,
                        int64_t out_ld) {
  const Kernels& kernels = BestKernels();
  const auto& layers = layout.layers;
  size_t l = layers.size() - 1;
  const DenseLayer& last = layers[l];
  float* above = scratch_[0].data();
  float* below = scratch_[1].data();
  kernels.outer_masked(output_gradient, 0, 1, weights.values + last.offset, last.ld,
                       pass.hidden(l - 1), last.ld, count, rows, above);
  for (--l; l > 0; --l) {
    const DenseLayer& layer = layers[l];
    const int64_t ld = layers[l - 1].HiddenLd();
    for (int row = 0; row < count; row += kChosenRows) {
      backward_[l](above + row * layer.HiddenLd(), weights.mirror + layer.mirror, below + row * ld);
      kernels.mask(below + row * ld, pass.hidden(l - 1), ld, std::min(kChosenRows, count - row),
                   rows + row);
    }
    std::swap(above, below);
  }
  // A row of the stored first layer is one input's weights.
  const DenseLayer& first = layers[0];
  kernels.row_dots(above, first.HiddenLd(), count, weights.values + first.WeightAt(0, first_),
                   first.ld, first.ld, count_, out, out_ld);
}

}  // namespace estuary::learner::native
