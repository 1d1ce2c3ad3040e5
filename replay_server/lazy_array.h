// A fixed number of zeros, of which only what is used takes memory.
//
// For what a table keeps beside its rows: as large as the table may become, reserved at once, so
// that nothing is allocated when rows come. Begins at a page. Bounds are the caller's.
#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/process/status.h"

namespace estuary::replay {

template <class T>
class LazyArray {
 public:
  static_assert(std::is_trivial_v<T>);

  LazyArray() = default;
  // RESOURCE_EXHAUSTED where the address space or a limit does not allow it.
  static absl::StatusOr<LazyArray> Create(size_t size) {
    LazyArray array;
    array.size_ = size;
    const size_t bytes = size * sizeof(T);
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
      return process::ErrnoStatus(errno, absl::StrCat("cannot reserve ", bytes, " bytes"));
    }
    madvise(memory, bytes, MADV_HUGEPAGE);
    array.data_ = static_cast<T*>(memory);
    return array;
  }

  LazyArray(LazyArray&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  LazyArray& operator=(LazyArray&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~LazyArray() {
    if (data_ != nullptr) munmap(data_, size_ * sizeof(T));
  }

  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  const T* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace estuary::replay
