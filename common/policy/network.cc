#include "common/policy/network.h"

#include <algorithm>
#include <utility>

namespace estuary::policy {

void Network::AddLayer(int inputs, int outputs, const float* weight, const float* bias) {
  Layer layer;
  layer.inputs = inputs;
  layer.outputs = outputs;
  // A narrow layer gets a narrow panel: a policy's last one has a dozen outputs.
  layer.vectors = std::min(kernel_.max_vectors, (outputs + kernel_.lanes - 1) / kernel_.lanes);
  const int panel = layer.vectors * kernel_.lanes;
  layer.panels = (outputs + panel - 1) / panel;
  layer.weight = AlignedFloats(static_cast<size_t>(layer.panels) * panel * inputs);
  layer.bias = AlignedFloats(static_cast<size_t>(layer.panels) * panel);
  for (int o = 0; o < outputs; ++o) {
    const size_t base = static_cast<size_t>(o / panel) * inputs * panel + o % panel;
    for (int i = 0; i < inputs; ++i) {
      layer.weight.data()[base + static_cast<size_t>(i) * panel] =
          weight[static_cast<size_t>(o) * inputs + i];
    }
    layer.bias.data()[o] = bias[o];
  }
  stride_ = std::max(stride_, layer.panels * panel);
  layers_.push_back(std::move(layer));
}

const float* Network::Forward(const float* input, int input_stride, int rows, float* scratch_a,
                              float* scratch_b) const {
  float* output = scratch_a;
  float* other = scratch_b;
  for (size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    kernel_.dense({.input = input,
                   .input_stride = input_stride,
                   .rows = rows,
                   .inputs = layer.inputs,
                   .weight = layer.weight.data(),
                   .bias = layer.bias.data(),
                   .panels = layer.panels,
                   .vectors = layer.vectors,
                   .relu = i + 1 < layers_.size(),
                   .output = output,
                   .output_stride = stride_});
    input = output;
    input_stride = stride_;
    std::swap(output, other);
  }
  return input;
}

}  // namespace estuary::policy
