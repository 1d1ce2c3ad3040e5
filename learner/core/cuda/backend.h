// Where the graph engine computes: memory and a way to run a step. One backend is a GPU
// (cuda_backend.cu, in a library of its own that is opened at run time), the other this machine's
// processor (host_backend.cc), slow but the same arithmetic, for tests.
//
// Nothing but plain types crosses this interface: the library shares no other code with the
// program that opens it. Calls return false where they fail; error() says why.
#pragma once

#include <cstddef>

#include "learner/core/cuda/step_arguments.h"

namespace estuary::learner::cuda {

class Backend {
 public:
  virtual ~Backend() = default;

  // "cpu", "NVIDIA H100 80GB HBM3".
  virtual const char* name() const = 0;
  virtual const char* error() const = 0;

  // Zeros; null where memory ran out. What is not freed goes with the backend.
  virtual void* Allocate(size_t bytes) = 0;
  virtual void Free(void* memory) = 0;
  // In the order of the calls. Both wait until the memory on this side may be used again.
  virtual bool Write(void* to, const void* from, size_t bytes) = 0;
  virtual bool Read(void* to, const void* from, size_t bytes) = 0;

  // One step, now.
  virtual bool Run(const StepArguments<float>& step) = 0;
  virtual bool Run(const StepArguments<double>& step) = 0;
  // Makes Launch run `steps` such steps at once; returns what to give it, negative where it fails.
  virtual int Record(const StepArguments<float>& step, int steps) = 0;
  virtual int Record(const StepArguments<double>& step, int steps) = 0;
  // Returns before they are done. Read waits for them.
  virtual bool Launch(int recorded) = 0;
};

// What the library has to offer, found by its name; bumped with every change to this file or to
// step_arguments.h, so that a library of another build is refused instead of believed.
inline constexpr char kBackendSymbol[] = "EstuaryCudaBackend";
inline constexpr int kBackendVersion = 3;

// Null where there is no device to use; then `error`, of `error_bytes`, says why.
using OpenBackend = Backend* (*)(int version, char* error, size_t error_bytes);

}  // namespace estuary::learner::cuda
