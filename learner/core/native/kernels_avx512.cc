// 32 registers of 512 bits.
#define ESTUARY_KERNELS kAvx512Kernels
#define ESTUARY_KERNELS_NAME "avx512"
#define ESTUARY_LANES 16
#define ESTUARY_ROWS 6
#define ESTUARY_VECTORS 4
#include "learner/core/native/kernels.inc"
