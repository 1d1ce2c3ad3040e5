// Memory on huge pages, for the arrays that a step runs through: a step touches some ten megabytes,
// thousands of small pages, and the processor's table of them holds fewer.
//
// Blocks come from chunks that stay with the process and are used again. Where the system gives no
// huge pages the memory is like any other.
//
// Thread-safe.
#pragma once

#include <cstddef>

namespace estuary::learner::native {

// Aligned to a cache line; not cleared.
void* AllocatePages(size_t bytes);
// `bytes` as they were allocated.
void FreePages(void* block, size_t bytes);

}  // namespace estuary::learner::native
