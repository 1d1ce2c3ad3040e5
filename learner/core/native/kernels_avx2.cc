// 16 registers of 256 bits.
#define ESTUARY_KERNELS kAvx2Kernels
#define ESTUARY_KERNELS_NAME "avx2"
#define ESTUARY_LANES 8
#define ESTUARY_ROWS 6
#define ESTUARY_VECTORS 2
#include "learner/core/native/kernels.inc"
