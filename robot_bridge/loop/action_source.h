// What acts in state POLICY: a policy version made ready, with its scratch memory.
#pragma once

#include <cstdint>

namespace estuary::bridge {

class ActionSource {
 public:
  virtual ~ActionSource() = default;

  virtual uint32_t version() const = 0;

  // Called by the loop's thread alone, of the task's sizes. Allocates, locks and logs nothing.
  virtual void Act(const float* observation, float* action) = 0;
};

}  // namespace estuary::bridge
