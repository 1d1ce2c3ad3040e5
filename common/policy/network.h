// A fully connected network with ReLU between its layers, its weights laid out for a kernel.
#pragma once

#include <cstddef>
#include <vector>

#include "absl/types/span.h"
#include "common/policy/kernels.h"

namespace estuary::policy {

// Floats on cache lines of their own.
class AlignedFloats {
 public:
  AlignedFloats() = default;
  explicit AlignedFloats(size_t size) : lines_((size + kLine - 1) / kLine) {}

  float* data() { return reinterpret_cast<float*>(lines_.data()); }
  const float* data() const { return reinterpret_cast<const float*>(lines_.data()); }

 private:
  static constexpr size_t kLine = 16;
  struct alignas(64) Line {
    float values[kLine] = {};
  };
  std::vector<Line> lines_;
};

// Immutable once its layers are there; Forward may run in any number of threads, each with its own
// scratch memory.
class Network {
 public:
  explicit Network(const Kernel& kernel = BestKernel()) : kernel_(kernel) {}

  // weight [outputs, inputs], row after row; bias [outputs]. The first layer's inputs are the
  // network's; every other has as many inputs as the one before it has outputs.
  void AddLayer(int inputs, int outputs, const float* weight, const float* bias);

  int inputs() const { return layers_.front().inputs; }
  int outputs() const { return layers_.back().outputs; }
  // Floats from one row of any layer's output to the next.
  int stride() const { return stride_; }

  // Input [rows, inputs()] with input_stride floats from row to row. Scratch memory: two blocks of
  // rows * stride() floats. Returns the output, in one of them, rows stride() apart.
  const float* Forward(const float* input, int input_stride, int rows, float* scratch_a,
                       float* scratch_b) const;

 private:
  struct Layer {
    int inputs = 0;
    int outputs = 0;
    int panels = 0;
    int vectors = 0;
    AlignedFloats weight;
    AlignedFloats bias;
  };

  const Kernel& kernel_;
  std::vector<Layer> layers_;
  int stride_ = 0;
};

}  // namespace estuary::policy
