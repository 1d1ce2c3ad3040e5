// Between the loop's structs and the messages of RobotLink.
#pragma once

#include "estuary/v1/robot.pb.h"
#include "robot_bridge/drivers/identity.h"
#include "robot_bridge/loop/types.h"

namespace estuary::bridge {

// Link and arrival are the receiver's to fill in. Values beyond the structs' room are left out, but
// counted in the dimensions, so that the receiver refuses them.
void FromProto(const v1::RobotObservation& proto, Observation& observation);
void ToProto(const Observation& observation, v1::RobotObservation& proto);

void FromProto(const v1::RobotCommand& proto, Command& command);
void ToProto(const Command& command, v1::RobotCommand& proto);

RobotIdentity IdentityOf(const v1::RobotHello& hello);

}  // namespace estuary::bridge
