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

// Until ready(value) holds for the counter's value, which it returns.
template <typename Ready>
unsigned Await(const std::atomic<unsigned>& counter, Ready ready) {
  unsigned value = counter.load(std::memory_order_acquire);
  for (int i = 0; i < kSpins && !ready(value); ++i) {
    Pause();
    value = counter.load(std::memory_order_acquire);
  }
  while (!ready(value)) {
    counter.wait(value, std::memory_order_acquire);
    value = counter.load(std::memory_order_acquire);
  }
  return value;
}

}  // namespace

Worker::Worker(bool parallel) {
  if (parallel) thread_ = std::thread([this] { Loop(); });
}

Worker::~Worker() {
  if (parallel()) {
    Offer(nullptr, nullptr);
    thread_.join();
  }
}

unsigned Worker::Offer(Function function, void* task) {
  function_ = function;
  task_ = task;
  const unsigned offer = offered_.load(std::memory_order_relaxed) + 1;
  offered_.store(offer, std::memory_order_release);
  offered_.notify_one();
  return offer;
}

bool Worker::Claim(unsigned offer) {
  return offered_.compare_exchange_strong(offer, offer + 1, std::memory_order_acq_rel);
}

void Worker::AwaitFinished(unsigned offer) {
  Await(finished_, [offer](unsigned value) { return value == offer; });
}

void Worker::Loop() {
  for (;;) {
    const unsigned offer = Await(offered_, [](unsigned value) { return value % 2 == 0; });
    if (!Claim(offer)) continue;
    if (function_ == nullptr) return;
    function_(task_);
    finished_.store(offer, std::memory_order_release);
    finished_.notify_one();
  }
}

}  // namespace estuary::learner::native
