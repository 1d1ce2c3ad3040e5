// The robot as the 200 Hz loop sees it. Both calls come from the loop's thread alone and are
// wait-free.
#pragma once

#include "robot_bridge/loop/types.h"

namespace estuary::bridge {

class RobotIo {
 public:
  virtual ~RobotIo() = default;

  // The next observation in the order of arrival; false where there is none now.
  virtual bool Receive(Observation& observation) = 0;

  // Hands a command over for sending. A newer one replaces one that still waits.
  virtual void Send(const Command& command) = 0;
};

}  // namespace estuary::bridge
