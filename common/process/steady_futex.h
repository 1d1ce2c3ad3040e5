// Timed waits that no jump of the wall clock can hold up.
//
// absl's mutexes, and gRPC's timers and threads, which wait by them, give the kernel deadlines by
// the wall clock. Where that clock is set back while one of them waits, it waits on for as long as
// it was set back: no deadline passes, no connection is tried again. A program that links this file
// has a syscall() of its own, which libraries call in place of libc's: it hands everything on, but
// turns such a wait into one by the monotonic clock.
//
// Trap: only calls through the dynamic linker come here, which Debian's absl and gRPC make; a
// program that links them statically still gets this one, being the first definition the linker
// sees.
#pragma once

namespace estuary::process {

// Links it in, and says whether the libraries' calls come here.
bool WaitsAreSteady();

}  // namespace estuary::process
