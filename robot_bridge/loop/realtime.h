// What the operating system can give a real-time thread: a priority above everything else, memory
// that is never paged out, a core of its own. Containers and unprivileged users are often refused;
// then the loop runs all the same, and the refusal is a line and a metric (or, on demand, an
// error).
#pragma once

#include <string>
#include <vector>

namespace estuary::bridge {

struct RealtimeOptions {
  // SCHED_FIFO priority; 0 asks for none.
  int priority = 80;
  // -1: any core.
  int cpu = -1;
  bool lock_memory = true;
};

struct RealtimeGrants {
  bool fifo = false;
  bool memory_locked = false;
  bool pinned = false;
  // What was asked for and refused, in words, each with its way out.
  std::vector<std::string> refused;
};

// Memory is the process's; once, before the threads start.
void LockMemory(const RealtimeOptions& options, RealtimeGrants& grants);

// Of the calling thread: priority, core, timer slack, and its stack touched. Threads that it starts
// from now on inherit priority and core.
void MakeThisThreadRealtime(const RealtimeOptions& options, RealtimeGrants& grants);

// Back to normal priority: for a thread that was started by a real-time one and has time.
void MakeThisThreadOrdinary();

}  // namespace estuary::bridge
