#include "learner/core/native/product.h"

#include <cstdlib>

#ifdef ESTUARY_HAVE_LIBXSMM
#include <libxsmm.h>
#endif

namespace estuary::learner::native {
namespace {

#ifdef ESTUARY_HAVE_LIBXSMM
// LIBXSMM is column-major: there our product is out^T = weight^T in^T, so columns come first and
// the weights are its left operand.
auto Generate(const ProductShape& s) {
  const float alpha = 1, beta = s.accumulate ? 1.0f : 0.0f;
  const int weight_ld = static_cast<int>(s.weight_ld), in_ld = static_cast<int>(s.in_ld),
            out_ld = static_cast<int>(s.out_ld);
  const int flags = s.in_transposed ? LIBXSMM_GEMM_FLAG_TRANS_B : LIBXSMM_GEMM_FLAG_NONE;
  const int prefetch = LIBXSMM_PREFETCH_NONE;
  return libxsmm_smmdispatch(s.columns, s.rows, s.depth, &weight_ld, &in_ld, &out_ld, &alpha, &beta,
                             &flags, &prefetch);
}
#endif

}  // namespace

Product::Product(const ProductShape& shape) : shape_(shape), fallback_(BestKernels().product) {
#ifdef ESTUARY_HAVE_LIBXSMM
  // Without it to compare with, or where a lesser processor is asked for.
  static const bool wanted = std::getenv("ESTUARY_NATIVE_KERNELS") == nullptr;
  if (wanted && shape.rows > 0) {
    generated_ = reinterpret_cast<Generated>(
        reinterpret_cast<void (*)(const float*, const float*, float*, ...)>(Generate(shape)));
  }
#endif
}

}  // namespace estuary::learner::native
