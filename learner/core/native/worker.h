// A second thread for the halves of a step. The calling thread takes one half and offers the other
// to the worker; what the worker has not begun by the time the first half is done, the caller takes
// back. So a worker that the system does not run costs nothing but its help, and which thread ran
// what never changes the numbers.
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
    const unsigned offer =
        Offer([](void* offered) { (*static_cast<decltype(task)*>(offered))(); }, &task);
    first();
    if (Claim(offer)) {
      second();
    } else {
      AwaitFinished(offer);
    }
  }

 private:
  using Function = void (*)(void*);

  unsigned Offer(Function function, void* task);
  // Whoever succeeds runs the task, and only then may read function_ and task_.
  bool Claim(unsigned offer);
  void AwaitFinished(unsigned offer);
  void Loop();

  Function function_ = nullptr;
  void* task_ = nullptr;
  // Even: the number of an offer that nobody has claimed; odd: one more than that of the last one.
  std::atomic<unsigned> offered_{1};
  // The last offer that the worker has finished.
  std::atomic<unsigned> finished_{0};
  std::thread thread_;
};

}  // namespace estuary::learner::native
