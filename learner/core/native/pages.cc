#include "learner/core/native/pages.h"

#include <sys/mman.h>

#include <map>
#include <mutex>
#include <new>
#include <vector>

namespace estuary::learner::native {
namespace {

constexpr size_t kLine = 64;
constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kChunk = size_t{16} << 20;
// Less than this is left to the allocator: a step reads it through the first-level cache anyway.
constexpr size_t kSmall = size_t{16} << 10;

// Sanitizers and their like see a program's own blocks only.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kOwnChunks = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kOwnChunks = false;
#else
constexpr bool kOwnChunks = true;
#endif
#else
constexpr bool kOwnChunks = true;
#endif

size_t RoundUp(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

class Pool {
 public:
  void* Allocate(size_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<void*>& free = free_[bytes];
    if (!free.empty()) {
      void* block = free.back();
      free.pop_back();
      return block;
    }
    if (bytes > left_) Grow(bytes);
    char* block = next_;
    next_ += bytes;
    left_ -= bytes;
    return block;
  }

  void Free(void* block, size_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    free_[bytes].push_back(block);
  }

 private:
  // What is left of the chunk before is given up: a few per cent of it.
  void Grow(size_t bytes) {
    const size_t size = RoundUp(bytes > kChunk ? bytes : kChunk, kHugePage);
    void* chunk = ::operator new(size, std::align_val_t(kHugePage));
    madvise(chunk, size, MADV_HUGEPAGE);
    next_ = static_cast<char*>(chunk);
    left_ = size;
  }

  std::mutex mutex_;
  // By size.
  std::map<size_t, std::vector<void*>> free_;
  char* next_ = nullptr;
  size_t left_ = 0;
};

// Never destroyed: arrays of static lifetime may go later.
Pool& ThePool() {
  static Pool& pool = *new Pool;
  return pool;
}

}  // namespace

void* AllocatePages(size_t bytes) {
  const size_t size = RoundUp(bytes, kLine);
  if (!kOwnChunks || size < kSmall) return ::operator new(size, std::align_val_t(kLine));
  return ThePool().Allocate(size);
}

void FreePages(void* block, size_t bytes) {
  const size_t size = RoundUp(bytes, kLine);
  if (!kOwnChunks || size < kSmall) {
    ::operator delete(block, std::align_val_t(kLine));
  } else {
    ThePool().Free(block, size);
  }
}

}  // namespace estuary::learner::native
