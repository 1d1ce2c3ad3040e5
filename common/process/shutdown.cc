#include "common/process/shutdown.h"

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace estuary::process {
namespace {

struct State {
  absl::Mutex mutex;
  bool requested ABSL_GUARDED_BY(mutex) = false;
  std::vector<std::function<void()>> callbacks ABSL_GUARDED_BY(mutex);
};

State& GetState() {
  static State* state = new State();
  return *state;
}

std::atomic<bool> requested{false};

}  // namespace

void RequestShutdown() {
  State& state = GetState();
  std::vector<std::function<void()>> callbacks;
  {
    absl::MutexLock lock(&state.mutex);
    if (state.requested) return;
    state.requested = true;
    requested.store(true, std::memory_order_release);
    callbacks = std::move(state.callbacks);
    state.callbacks.clear();
  }
  for (const auto& callback : callbacks) callback();
}

void CatchShutdownSignals() {
  static std::atomic<bool> started{false};
  if (started.exchange(true)) return;
  // Every thread started later inherits the mask, so one thread alone meets the signals, outside of
  // signal context, and may lock and log.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread([signals] {
    int signal = 0;
    sigwait(&signals, &signal);
    RequestShutdown();
    sigwait(&signals, &signal);
    _exit(128 + signal);
  }).detach();
}

bool ShutdownRequested() { return requested.load(std::memory_order_acquire); }

bool SleepOrShutdown(absl::Duration duration) {
  State& state = GetState();
  absl::MutexLock lock(&state.mutex);
  return state.mutex.AwaitWithTimeout(absl::Condition(&state.requested), duration);
}

void WaitForShutdown() { SleepOrShutdown(absl::InfiniteDuration()); }

void OnShutdown(std::function<void()> callback) {
  State& state = GetState();
  {
    absl::MutexLock lock(&state.mutex);
    if (!state.requested) {
      state.callbacks.push_back(std::move(callback));
      return;
    }
  }
  callback();
}

}  // namespace estuary::process
