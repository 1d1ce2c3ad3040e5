// 128-bit vectors: SSE2 on x86-64, NEON on 64-bit ARM.
#define ESTUARY_KERNEL kGenericKernel
#define ESTUARY_KERNEL_NAME "generic"
#define ESTUARY_LANES 4
#define ESTUARY_VECTORS 2
#define ESTUARY_ROWS 5
#include "common/policy/kernel.inc"
