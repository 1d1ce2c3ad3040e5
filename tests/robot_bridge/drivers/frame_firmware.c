#include "tests/robot_bridge/drivers/frame_firmware.h"

#include "robot_bridge/drivers/frame/estuary_robot.h"

size_t firmware_observation(uint32_t link, uint64_t sequence, const float* values, uint8_t* out) {
  estuary_robot robot;
  estuary_frame frame;
  estuary_robot_init(&robot, "robot", "task", 4, 1, 5000, 1);
  robot.link = link;
  estuary_robot_observation(&robot, sequence, 1234567890123u, &frame);
  memcpy(frame.first, values, 4 * sizeof(float));
  frame.answers = sequence - 1;
  frame.m = 1;
  frame.second[0] = 0.5f;
  return estuary_frame_encode(&frame, out);
}

int firmware_command(const uint8_t* data, size_t size, uint64_t* answers, float* action,
                     int* torque_on) {
  estuary_frame frame;
  if (!estuary_frame_decode(data, size, &frame) || frame.kind != ESTUARY_COMMAND) return 0;
  *answers = frame.answers;
  *action = frame.first[0];
  *torque_on = (frame.flags & ESTUARY_TORQUE_ON) != 0;
  return 1;
}
