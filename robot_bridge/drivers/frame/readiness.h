// Waiting for bytes, in a way that another thread can end.
#pragma once

#include <cstdint>

namespace estuary::bridge {

class Readiness {
 public:
  Readiness();
  ~Readiness();
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;

  // True as soon as `fd` can be read (or is broken); false at the deadline (of Now()) or once
  // interrupted. A negative fd is only waited over.
  bool Wait(int fd, int64_t deadline);

  // Any thread; for good.
  void Interrupt();

 private:
  int interrupt_;
};

}  // namespace estuary::bridge
