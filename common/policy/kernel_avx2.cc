// 16 registers of 256 bits.
#define ESTUARY_KERNEL kAvx2Kernel
#define ESTUARY_KERNEL_NAME "avx2"
#define ESTUARY_LANES 8
#define ESTUARY_VECTORS 2
#define ESTUARY_ROWS 6
#include "common/policy/kernel.inc"
