// SIGINT and SIGTERM as something to wait for. A process drains on the first; the second ends it at
// once.
#pragma once

#include <functional>

#include "absl/time/time.h"

namespace estuary::process {

// Called by Main, once, before any thread is started.
void CatchShutdownSignals();

// True once a signal came or RequestShutdown was called. Cheap; any thread.
bool ShutdownRequested();

// As if SIGTERM had come. Any thread.
void RequestShutdown();

// Sleeps, but not beyond a shutdown request. Returns true where one came.
bool SleepOrShutdown(absl::Duration duration);

// Waits for the request.
void WaitForShutdown();

// Calls `callback` once on a thread of its own when shutdown is requested; for what must be woken
// (streams to cancel). It must not block for long. Lives until the process ends.
void OnShutdown(std::function<void()> callback);

}  // namespace estuary::process
