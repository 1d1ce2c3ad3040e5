// A second thread for the halves of a step. The calling thread takes one half, the worker the
// other; which half is whose never changes the numbers.
//
// A step forks several times within a hundred microseconds, so the waiting side spins for a while
// before it sleeps.
#pragma once

#include <atomic>
#include <thread>

namespace estuary::learner::native {

class Worker {
 public:
  // Without the thread, Both runs its halves in turn.
  explicit Worker(bool parallel);
  ~Worker();

  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  bool parallel() const { return thread_.joinable(); }

  template <typename First, typename Second>
  void Both(First&& first, Second&& second) {
    if (!parallel()) {
      first();
      second();
      return;
    }
    auto task = [&second] { second(); };
    Start([](void* started) { (*static_cast<decltype(task)*>(started))(); }, &task);
    first();
    Await(finished_, started_.load(std::memory_order_relaxed));
  }

 private:
  using Function = void (*)(void*);

  void Start(Function function, void* task);
  void Loop();
  // Until `counter` has reached `value`.
  static void Await(const std::atomic<unsigned>& counter, unsigned value);

  Function function_ = nullptr;
  void* task_ = nullptr;
  // Tasks ever started and finished.
  std::atomic<unsigned> started_{0};
  std::atomic<unsigned> finished_{0};
  std::thread thread_;
};

}  // namespace estuary::learner::native
