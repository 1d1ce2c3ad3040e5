#include "robot_bridge/drivers/identity.h"

namespace estuary::bridge {

std::string Mismatch(const RobotIdentity& expected, const RobotIdentity& robot) {
  if (robot.robot != expected.robot) {
    return "this bridge drives robot '" + expected.robot + "', got '" + robot.robot +
           "'; start one bridge a robot";
  }
  if (robot.task != expected.task) {
    return "this bridge drives task '" + expected.task + "', the robot's is '" + robot.task +
           "'; give both the same --task";
  }
  if (robot.observation_dim != expected.observation_dim ||
      robot.action_dim != expected.action_dim) {
    return "task '" + expected.task + "' has " + std::to_string(expected.observation_dim) +
           " observations and " + std::to_string(expected.action_dim) + " actions, the robot " +
           std::to_string(robot.observation_dim) + " and " + std::to_string(robot.action_dim);
  }
  if (robot.control_period_us != expected.control_period_us) {
    return "task '" + expected.task + "' has a control period of " +
           std::to_string(expected.control_period_us) + " us, the robot's is " +
           std::to_string(robot.control_period_us) + " us";
  }
  return "";
}

}  // namespace estuary::bridge
