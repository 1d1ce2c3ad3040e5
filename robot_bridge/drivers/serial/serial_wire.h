// Frames over a serial line: a tty in raw mode, eight bits, no parity, one stop bit, no flow
// control. A line that goes away (a USB adapter pulled out) is opened again when it is back.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "robot_bridge/drivers/frame/wire.h"

namespace estuary::bridge {

// Null and `error` where the device is not there, is no tty, or has no such speed. A
// pseudo-terminal takes any speed. `word` hears of a line that went away or came back.
std::unique_ptr<Wire> OpenSerial(const std::string& device, int baud, const Wire::Word& word,
                                 std::string& error);

// A tty that is open already (the near end of a pseudo-terminal); closed with the wire.
std::unique_ptr<Wire> AdoptSerial(int fd);

// A pseudo-terminal: the near end's descriptor, and the name of the far end, which is a serial line
// to whoever opens it. Negative and `error` where there is none to be had.
int OpenPseudoTerminal(std::string& far_end, std::string& error);

// The least speed at which a robot's largest frame takes half of its control period at most; the
// line adds that to a command's age.
int BaudFor(uint32_t observation_dim, uint32_t action_dim, uint32_t control_period_us);

}  // namespace estuary::bridge
