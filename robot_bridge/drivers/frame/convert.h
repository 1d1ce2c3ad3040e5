// Between the loop's structs and frames.
#pragma once

#include "robot_bridge/drivers/frame/estuary_frame.h"
#include "robot_bridge/drivers/identity.h"
#include "robot_bridge/loop/types.h"

namespace estuary::bridge {

// Link and arrival are the receiver's to fill in.
void FromFrame(const estuary_frame& frame, Observation& observation);
void ToFrame(const Observation& observation, estuary_frame& frame);

void FromFrame(const estuary_frame& frame, Command& command);
// `number` counts the commands of a link.
void ToFrame(const Command& command, uint64_t number, estuary_frame& frame);

// Of a hello.
RobotIdentity IdentityOf(const estuary_frame& frame);

// Text from a wire for a log: nothing but printable ASCII.
std::string Printable(const char* text);

}  // namespace estuary::bridge
