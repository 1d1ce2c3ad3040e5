// A block of zeros to compute in: aligned for vectors and of a size that vectors divide, so that no
// loop over a whole block has a rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "learner/core/native/pages.h"

namespace estuary::learner::native {

// Floats of the widest vector; rows and blocks are padded to multiples of it.
inline constexpr int kLanes = 16;

constexpr int64_t Padded(int64_t count) { return (count + kLanes - 1) / kLanes * kLanes; }

class Floats {
 public:
  Floats() = default;
  explicit Floats(int64_t count)
      : size_(Padded(count)),
        data_(static_cast<float*>(AllocatePages(static_cast<size_t>(size_) * sizeof(float))),
              Free(static_cast<size_t>(size_) * sizeof(float))) {
    std::memset(data_.get(), 0, static_cast<size_t>(size_) * sizeof(float));
  }

  // Padded.
  int64_t size() const { return size_; }
  float* data() { return data_.get(); }
  const float* data() const { return data_.get(); }
  float& operator[](int64_t i) { return data_.get()[i]; }
  float operator[](int64_t i) const { return data_.get()[i]; }

 private:
  struct Free {
    Free() : bytes(0) {}
    explicit Free(size_t allocated) : bytes(allocated) {}
    size_t bytes;
    void operator()(float* p) const { FreePages(p, bytes); }
  };

  int64_t size_ = 0;
  std::unique_ptr<float, Free> data_;
};

}  // namespace estuary::learner::native
