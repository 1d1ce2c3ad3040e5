#include "tests/common/policy/allocation_trap.h"

#include <cerrno>
#include <cstddef>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ESTUARY_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define ESTUARY_SANITIZER 1
#endif
#endif

namespace {

thread_local bool armed = false;
thread_local uint64_t count = 0;

}  // namespace

#ifndef ESTUARY_SANITIZER
extern "C" {

void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);
void* __libc_memalign(size_t alignment, size_t size);

void* malloc(size_t size) noexcept {
  if (armed) ++count;
  return __libc_malloc(size);
}

void* calloc(size_t elements, size_t size) noexcept {
  if (armed) ++count;
  return __libc_calloc(elements, size);
}

void* realloc(void* memory, size_t size) noexcept {
  if (armed) ++count;
  return __libc_realloc(memory, size);
}

void* aligned_alloc(size_t alignment, size_t size) noexcept {
  if (armed) ++count;
  return __libc_memalign(alignment, size);
}

int posix_memalign(void** memory, size_t alignment, size_t size) noexcept {
  if (armed) ++count;
  *memory = __libc_memalign(alignment, size);
  return *memory == nullptr ? ENOMEM : 0;
}

}  // extern "C"
#endif

namespace estuary::policy::testing {

AllocationTrap::AllocationTrap() {
  count = 0;
  armed = true;
}

AllocationTrap::~AllocationTrap() { armed = false; }

uint64_t AllocationTrap::allocations() const { return count; }

bool AllocationTrap::Works() {
  AllocationTrap trap;
  delete new volatile int(1);
  return trap.allocations() > 0;
}

}  // namespace estuary::policy::testing
