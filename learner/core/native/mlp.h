// Fully connected nets with ReLU between the layers: how their parameters lie in a flat array, and
// passes through them.
//
// Layout, chosen for the products:
// - Every layer but the last is stored as products read it, [inputs + 1][outputs padded], one row
// for each
//   input. The additional row is the bias: the first layer's is row 0, a hidden layer's the last,
//   and the inputs carry a 1 at that place. So a bias costs no pass of its own, nor does its
//   gradient.
// - The last layer is stored [outputs][inputs + 1 padded], the bias in the additional column: few
// outputs
//   are dot products of rows.
// - Hidden layers have a *mirror*, [outputs][inputs padded], which their inputs' gradients are
// computed
//   with. It follows the parameters by RefreshMirror.
// Inputs are rows that begin with 1; a net reads as many numbers of a row as it has inputs. Hidden
// activations have the 1 behind the units. Outputs are planar (kernels.h).
#pragma once

#include <cstdint>
#include <vector>

#include "learner/core/native/aligned.h"
#include "learner/core/native/product.h"

namespace estuary::learner::native {

struct DenseLayer {
  int inputs = 0;
  int outputs = 0;
  bool first = false;
  bool last = false;
  // Floats between stored rows, and of the whole layer, padded.
  int64_t ld = 0;
  int64_t size = 0;
  int64_t offset = 0;
  // Of the mirror; -1: there is none.
  int64_t mirror = -1;

  int64_t WeightAt(int output, int input) const {
    return last ? offset + output * ld + input : offset + (first ? input + 1 : input) * ld + output;
  }
  int64_t BiasAt(int output) const {
    return last ? offset + output * ld + inputs : offset + (first ? 0 : inputs * ld) + output;
  }
  // Of the activations that this layer puts out, where it is not the last.
  int64_t HiddenLd() const { return Padded(outputs + 1); }
};

struct MlpLayout {
  MlpLayout() = default;
  // Begins at `offset` and, with `mirrored`, at `mirror_offset`, and moves both on.
  MlpLayout(int inputs, const std::vector<int>& hidden, int outputs, bool mirrored, int64_t& offset,
            int64_t& mirror_offset);

  int64_t begin() const { return layers.front().offset; }
  int64_t size() const { return layers.back().offset + layers.back().size - begin(); }

  std::vector<DenseLayer> layers;
};

// The arrays that a layout's offsets point into.
struct MlpWeights {
  const float* values;
  const float* mirror;
};

void RefreshMirror(const MlpLayout& layout, const float* values, float* mirror);

// A pass of a fixed number of rows, with the memory for it.
class MlpPass {
 public:
  struct Options {
    int rows = 0;
    // Floats between input rows.
    int64_t input_ld = 0;
    // Backward or InputGradient follow: every row's activations are kept.
    bool keep = false;
    // Weight gradients follow.
    bool backward = false;
  };

  MlpPass() = default;
  MlpPass(const MlpLayout& layout, const Options& options);

  void Forward(const MlpWeights& weights, const float* input);
  // The same where the first layer's activations are in hidden(0) already; needs keep.
  void ForwardFromHidden(const MlpWeights& weights);

  // From the gradients of the outputs to those of the weights, written to or added to `gradient`,
  // an array like the weights'.
  void Backward(const MlpWeights& weights, const float* input, const float* output_gradient,
                float* gradient, bool accumulate);

  int rows() const { return rows_; }
  float* output() { return output_.data(); }
  const float* output() const { return output_.data(); }
  // Floats between the planes of outputs and of their gradients, a multiple of kLanes.
  int64_t output_ld() const { return Padded(rows_); }
  // After ReLU; the last hidden layer's before it where no Backward follows.
  float* hidden(size_t layer) { return hidden_[layer].data(); }
  const float* hidden(size_t layer) const { return hidden_[layer].data(); }

 private:
  // A product over a block of rows, and over those that are left.
  struct Blocked {
    Product block;
    Product rest;
  };

  Blocked MakeBlocked(ProductShape shape) const;
  template <typename Run>
  void ForBlocks(Run run);
  // Layers from `first` on, of a block whose inputs to it are at `in` and whose activations lie
  // from row `at` on.
  void ForwardBlock(const MlpWeights& weights, size_t first, const float* in, int64_t at, int row,
                    int rows, bool whole);

  const MlpLayout* layout_ = nullptr;
  int rows_ = 0;
  bool keep_ = false;
  bool backward_follows_ = false;
  int64_t input_ld_ = 0;
  std::vector<Floats> hidden_;
  // Gradients of hidden activations, for one layer and the next.
  Floats scratch_[2];
  Floats output_;
  std::vector<Blocked> forward_;
  std::vector<Blocked> backward_;
  // Each written to and added to.
  std::vector<Product> gradient_[2];
};

// Gradients of a net's output with respect to some of its inputs, for a choice of the rows of a
// pass.
class InputGradient {
 public:
  InputGradient() = default;
  // Of inputs [first, first + count), for at most all rows of passes of this size, through nets of
  // the sizes of `layout`.
  InputGradient(const MlpLayout& layout, int rows, int first, int count);

  // `output_gradient`: a plane over the pass's rows. `out`, planar like the outputs, has at place i
  // what row rows[i] gives.
  void Run(const MlpLayout& layout, const MlpWeights& weights, const MlpPass& pass, const int* rows,
           int count, const float* output_gradient, float* out, int64_t out_ld);

 private:
  int first_ = 0;
  int count_ = 0;
  Floats scratch_[2];
  std::vector<Product> backward_;
};

}  // namespace estuary::learner::native
