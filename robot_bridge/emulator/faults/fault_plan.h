// Which faults the emulated robot has now, and how often each has happened.
//
// A fault of the link has a chance for each message; freeze, stuck and fall have one for each
// control period. A chance is drawn from a seeded generator, so the same seed and the same
// questions give the same faults.
//
// Threads: any.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "estuary/v1/robot_fault.pb.h"
#include "worlds/random.h"

namespace estuary::bridge {

class FaultPlan {
 public:
  explicit FaultPlan(uint64_t seed) : random_(seed) {}

  // INVALID_ARGUMENT names the fault that cannot be; then nothing has changed.
  absl::Status Inject(const v1::InjectFaultsRequest& request);
  // As a flag has it: "drop:0.01,delay:0.02:10,fall:1:0:1", each KIND:RATE[:MILLISECONDS[:COUNT]].
  absl::Status Inject(const std::string& flag);

  // Whether it happens now; `milliseconds` (may be null): how long. Costs nothing where no fault is
  // in force.
  bool Happens(v1::FaultKind kind, int64_t* milliseconds = nullptr);

  // An even draw from [0, below), for whoever needs to choose where a fault strikes.
  uint64_t Draw(uint64_t below);

  v1::FaultReport Report() const;

 private:
  static constexpr int kKinds = v1::FaultKind_ARRAYSIZE;

  mutable absl::Mutex mutex_;
  worlds::Random random_ ABSL_GUARDED_BY(mutex_);
  // By kind; no rate: not in force.
  std::array<v1::Fault, kKinds> faults_ ABSL_GUARDED_BY(mutex_);
  std::array<uint64_t, kKinds> happened_ ABSL_GUARDED_BY(mutex_){};
  std::atomic<bool> any_{false};
};

// "drop"; and back, FAULT_KIND_UNSPECIFIED where there is none of that name.
std::string FaultName(v1::FaultKind kind);
v1::FaultKind FindFault(const std::string& name);

}  // namespace estuary::bridge
