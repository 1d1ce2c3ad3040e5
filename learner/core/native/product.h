// A matrix product of one fixed shape, prepared once (LIBXSMM generates code for the shape) and
// then called with addresses alone. Shapes that the library has no code for on this processor run
// on kernels.h's own.
#pragma once

#include "learner/core/native/kernels.h"

namespace estuary::learner::native {

class Product {
 public:
  // Does nothing.
  Product() = default;
  explicit Product(const ProductShape& shape);

  void operator()(const float* in, const float* weight, float* out) const {
    if (generated_ != nullptr) {
      generated_(weight, in, out);
    } else if (shape_.rows > 0) {
      fallback_(shape_, in, weight, out);
    }
  }

  // Floating-point operations of a call.
  double flops() const { return 2.0 * shape_.rows * shape_.columns * shape_.depth; }

 private:
  using Generated = void (*)(const float* a, const float* b, float* c);

  ProductShape shape_;
  Generated generated_ = nullptr;
  void (*fallback_)(const ProductShape&, const float*, const float*, float*) = nullptr;
};

}  // namespace estuary::learner::native
