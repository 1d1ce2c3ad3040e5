// 128-bit vectors: SSE2 on x86-64, NEON on 64-bit ARM.
#define ESTUARY_KERNELS kGenericKernels
#define ESTUARY_KERNELS_NAME "generic"
#define ESTUARY_LANES 4
#define ESTUARY_ROWS 5
#define ESTUARY_VECTORS 2
#include "learner/core/native/kernels.inc"
