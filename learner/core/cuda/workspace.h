// The memory of a step: what lasts from step to step (parameters, moments, random state), and what
// one step leaves (inputs, layers' outputs and gradients, losses) for batches of one shape.
#pragma once

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "learner/core/config.h"
#include "learner/core/cuda/backend.h"
#include "learner/core/cuda/net_layout.h"
#include "learner/core/cuda/step_arguments.h"

namespace estuary::learner::cuda {

// Memory of a backend, freed with its owner.
class Memory {
 public:
  explicit Memory(Backend& backend) : backend_(backend) {}
  Memory(const Memory&) = delete;
  ~Memory() { Clear(); }

  // Null where it ran out; status() says so from then on.
  void* Take(size_t bytes);
  template <typename T>
  T* Take(int64_t count) {
    return static_cast<T*>(Take(static_cast<size_t>(count) * sizeof(T)));
  }
  // A copy of `values` on the device.
  template <typename T>
  T* Copy(const std::vector<T>& values) {
    T* to = Take<T>(static_cast<int64_t>(values.size()));
    if (to != nullptr) Write(to, values.data(), values.size() * sizeof(T));
    return to;
  }
  void Write(void* to, const void* from, size_t bytes);
  void Clear();

  const absl::Status& status() const { return status_; }

 private:
  Backend& backend_;
  std::vector<void*> held_;
  absl::Status status_;
};

// Of the sources' rows and of what is sampled a row.
struct BatchShape {
  int real = 0;
  int sim = 0;
  int discriminator_rows = 0;
  int noisy = 0;
  int cql = 0;

  static BatchShape Of(const LearnerConfig& config);
  bool operator==(const BatchShape&) const = default;
};

StepSettings SettingsOf(const LearnerConfig& config, const NetLayouts& nets,
                        const BatchShape& shape, int seeds, Arithmetic arithmetic);

// Fills in nets and groups, with parameters of `seeds` seeds that are all zero.
template <typename T>
void AllocateState(const NetLayouts& nets, int seeds, Memory& memory, StepArguments<T>& step);

// Fills in everything that step.settings.* sizes; settings and nets are there already.
template <typename T>
void AllocateBatch(Memory& memory, StepArguments<T>& step);

}  // namespace estuary::learner::cuda
