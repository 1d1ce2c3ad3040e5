// How a new policy version gets into the loop between two ticks and the old one out of it, without
// the loop ever waiting or freeing memory.
//
// The feeding thread offers a version; the loop takes the newest offered at its next tick and hands
// back what it no longer uses; the feeding thread deletes that at its next call. One thread on each
// side.
#pragma once

#include <atomic>
#include <memory>

#include "robot_bridge/loop/action_source.h"
#include "robot_bridge/loop/spsc_ring.h"

namespace estuary::bridge {

class PolicySlot {
 public:
  PolicySlot() : retired_(16) {}
  // Neither side may be in a call.
  ~PolicySlot() {
    delete offered_.load();
    Collect();
  }
  PolicySlot(const PolicySlot&) = delete;
  PolicySlot& operator=(const PolicySlot&) = delete;

  // Feeding thread. Replaces an offer that the loop has not taken yet.
  void Offer(std::unique_ptr<ActionSource> source) {
    delete offered_.exchange(source.release(), std::memory_order_acq_rel);
    Collect();
  }

  // Feeding thread: deletes what the loop handed back.
  void Collect() {
    ActionSource* source = nullptr;
    while (retired_.Pop(source)) delete source;
  }

  // Loop. Null where nothing new was offered. Nothing is taken unless there is room to hand back
  // two (the version in use and one that still fades).
  ActionSource* Take() {
    if (offered_.load(std::memory_order_relaxed) == nullptr) return nullptr;
    if (retired_.Size() + 2 > retired_.Capacity()) return nullptr;
    return offered_.exchange(nullptr, std::memory_order_acq_rel);
  }
  void Retire(ActionSource* source) {
    if (source != nullptr) retired_.Push(source);
  }

 private:
  std::atomic<ActionSource*> offered_{nullptr};
  SpscRing<ActionSource*> retired_;
};

}  // namespace estuary::bridge
