#include "learner/core/native/worker.h"

namespace estuary::learner::native {
namespace {

// About 50 microseconds.
constexpr int kSpins = 4000;

inline void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

Worker::Worker(bool parallel) {
  if (parallel) thread_ = std::thread([this] { Loop(); });
}

Worker::~Worker() {
  if (parallel()) {
    Start(nullptr, nullptr);
    thread_.join();
  }
}

void Worker::Start(Function function, void* task) {
  function_ = function;
  task_ = task;
  started_.fetch_add(1, std::memory_order_release);
  started_.notify_one();
}

void Worker::Await(const std::atomic<unsigned>& counter, unsigned value) {
  for (int i = 0; i < kSpins; ++i) {
    if (counter.load(std::memory_order_acquire) == value) return;
    Pause();
  }
  for (unsigned seen = counter.load(std::memory_order_acquire); seen != value;
       seen = counter.load(std::memory_order_acquire)) {
    counter.wait(seen, std::memory_order_acquire);
  }
}

void Worker::Loop() {
  for (unsigned next = 1;; ++next) {
    Await(started_, next);
    if (function_ == nullptr) return;
    function_(task_);
    finished_.store(next, std::memory_order_release);
    finished_.notify_one();
  }
}

}  // namespace estuary::learner::native
