// 32 registers of 512 bits.
#define ESTUARY_KERNEL kAvx512Kernel
#define ESTUARY_KERNEL_NAME "avx512"
#define ESTUARY_LANES 16
#define ESTUARY_VECTORS 4
#define ESTUARY_ROWS 6
#include "common/policy/kernel.inc"
