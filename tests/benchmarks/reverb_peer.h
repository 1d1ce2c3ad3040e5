// dm-reverb beside us: reverb_peer.py under a Python that has it, asked over pipes.
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <memory>
#include <string>

namespace estuary::benchmarks {

class ReverbPeer {
 public:
  // Null, with a line on stderr, where that Python has no Reverb that runs.
  static std::unique_ptr<ReverbPeer> Start(const std::string& python);
  ~ReverbPeer();
  ReverbPeer(const ReverbPeer&) = delete;
  ReverbPeer& operator=(const ReverbPeer&) = delete;

  // Rows a second of a case that reverb_peer.py names. Ends the process where the peer is gone.
  double Run(const std::string& name, double seconds);

 private:
  ReverbPeer(pid_t pid, FILE* to, FILE* from) : pid_(pid), to_(to), from_(from) {}

  const pid_t pid_;
  FILE* const to_;
  FILE* const from_;
};

}  // namespace estuary::benchmarks
