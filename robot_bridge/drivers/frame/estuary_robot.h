// The robot's end of a frame link: handshake, which command counts, and the watchdog. Plain C99 as
// estuary_frame.h; no clock and no wire of its own. Times are the robot's monotonic clock in ns.
//
//   estuary_robot robot;
//   estuary_robot_init(&robot, "biped-3", "wheel_legged_stand", 4, 1, 5000, a_random_number);
//   for each frame that came:   estuary_robot_take(&robot, &frame, now);
//   once each control period:   if (estuary_robot_hello_due(&robot, now, &frame)) send(frame);
//                               if (estuary_robot_connected(&robot)) {
//                               estuary_robot_observation(...); send(frame); } if
//                               (estuary_robot_torque(&robot, now)) drive(robot.action) else
//                               motors_off();
#ifndef ESTUARY_ROBOT_H_
#define ESTUARY_ROBOT_H_

#include "estuary_frame.h"

#ifdef __cplusplus
extern "C" {
#endif

// No command for so long: the last one is held. For so long: motors off.
#define ESTUARY_HOLD_AFTER_NS 20000000u
#define ESTUARY_OFF_AFTER_NS 100000000u
// Between two hellos; and the bridge's silence after which a new handshake begins.
#define ESTUARY_HELLO_EVERY_NS 200000000u
#define ESTUARY_BRIDGE_LOST_NS 500000000u

enum { ESTUARY_COMMAND_FRESH, ESTUARY_COMMAND_HELD, ESTUARY_MOTORS_OFF };

// What a command that came at `then` is worth at `now`.
static inline int estuary_watchdog(uint64_t now, uint64_t then, uint64_t hold_after,
                                   uint64_t off_after) {
  const uint64_t age = now > then ? now - then : 0;
  if (age >= off_after) return ESTUARY_MOTORS_OFF;
  return age >= hold_after ? ESTUARY_COMMAND_HELD : ESTUARY_COMMAND_FRESH;
}

enum { ESTUARY_CALLING, ESTUARY_CONNECTED, ESTUARY_REFUSED };

typedef struct {
  const char* name;
  const char* task;
  uint8_t observation_dim;
  uint8_t action_dim;
  uint32_t period_us;

  uint8_t state;
  uint32_t link;
  uint64_t random;
  uint64_t last_hello_ns;
  uint64_t last_heard_ns;
  // The newest command, and when it came; 0: none yet.
  uint64_t command_ns;
  uint64_t command_sequence;
  uint64_t answers;
  int torque_on;
  float action[ESTUARY_FRAME_MOST_ACTIONS];
  // The bridge's name, or why it refused.
  char words[ESTUARY_FRAME_WORDS + 1];
  // Commands that were not newer than one before, and frames that were not for this link.
  uint32_t old_commands;
  uint32_t foreign;
} estuary_robot;

// A new link's number, never 0.
static inline void estuary_robot_call(estuary_robot* robot) {
  robot->random = robot->random * 6364136223846793005u + 1442695040888963407u;
  robot->link = (uint32_t)(robot->random >> 32) | 1u;
  robot->state = ESTUARY_CALLING;
  robot->last_hello_ns = 0;
  robot->command_sequence = 0;
}

// `random` is to be another one after each start of the robot.
static inline void estuary_robot_init(estuary_robot* robot, const char* name, const char* task,
                                      uint8_t observation_dim, uint8_t action_dim,
                                      uint32_t period_us, uint64_t random) {
  memset(robot, 0, sizeof(*robot));
  robot->name = name;
  robot->task = task;
  robot->observation_dim = observation_dim;
  robot->action_dim = action_dim;
  robot->period_us = period_us;
  robot->random = random;
  estuary_robot_call(robot);
}

static inline int estuary_robot_connected(const estuary_robot* robot) {
  return robot->state == ESTUARY_CONNECTED;
}

// Whether a hello is to be sent now, and the hello. A bridge that has fallen silent is called anew.
static inline int estuary_robot_hello_due(estuary_robot* robot, uint64_t now, estuary_frame* out) {
  if (robot->state == ESTUARY_REFUSED) return 0;
  if (robot->state == ESTUARY_CONNECTED) {
    if (now - robot->last_heard_ns < ESTUARY_BRIDGE_LOST_NS) return 0;
    estuary_robot_call(robot);
  }
  if (robot->last_hello_ns != 0 && now - robot->last_hello_ns < ESTUARY_HELLO_EVERY_NS) return 0;
  robot->last_hello_ns = now;
  memset(out, 0, sizeof(*out));
  out->kind = ESTUARY_HELLO;
  out->n = robot->observation_dim;
  out->m = robot->action_dim;
  out->link = robot->link;
  out->time_ns = now;
  out->period_us = robot->period_us;
  estuary_put_text((uint8_t*)out->name, robot->name, ESTUARY_FRAME_NAME);
  estuary_put_text((uint8_t*)out->words, robot->task, ESTUARY_FRAME_NAME);
  return 1;
}

// Takes what came from the bridge; 1 where it is a new command.
static inline int estuary_robot_take(estuary_robot* robot, const estuary_frame* frame,
                                     uint64_t now) {
  if (frame->link != robot->link || robot->state == ESTUARY_REFUSED) {
    ++robot->foreign;
    return 0;
  }
  robot->last_heard_ns = now;
  if (frame->kind == ESTUARY_WELCOME) {
    robot->state = ESTUARY_CONNECTED;
    memcpy(robot->words, frame->name, sizeof(frame->name));
    return 0;
  }
  if (frame->kind == ESTUARY_REFUSAL) {
    if (!(frame->flags & ESTUARY_TRY_AGAIN)) robot->state = ESTUARY_REFUSED;
    memcpy(robot->words, frame->words, sizeof(frame->words));
    return 0;
  }
  if (frame->kind != ESTUARY_COMMAND || robot->state != ESTUARY_CONNECTED ||
      frame->n != robot->action_dim) {
    ++robot->foreign;
    return 0;
  }
  if (frame->sequence <= robot->command_sequence) {
    ++robot->old_commands;
    return 0;
  }
  robot->command_sequence = frame->sequence;
  robot->command_ns = now;
  robot->answers = frame->answers;
  robot->torque_on = (frame->flags & ESTUARY_TORQUE_ON) != 0;
  memcpy(robot->action, frame->first, sizeof(robot->action));
  return 1;
}

// Whether the motors may turn, by robot->action.
static inline int estuary_robot_torque(const estuary_robot* robot, uint64_t now) {
  return robot->command_ns != 0 && robot->torque_on &&
         estuary_watchdog(now, robot->command_ns, ESTUARY_HOLD_AFTER_NS, ESTUARY_OFF_AFTER_NS) !=
             ESTUARY_MOTORS_OFF;
}

// An observation to be filled in: out->first; and where motors were on in the period that ended,
// out->answers and out->second with out->m, see estuary_frame.h. `sequence` counts control periods
// from 1 for as long as the robot is up.
static inline void estuary_robot_observation(const estuary_robot* robot, uint64_t sequence,
                                             uint64_t now, estuary_frame* out) {
  memset(out, 0, sizeof(*out));
  out->kind = ESTUARY_OBSERVATION;
  out->n = robot->observation_dim;
  out->link = robot->link;
  out->sequence = sequence;
  out->time_ns = now;
}

#ifdef __cplusplus
}
#endif

#endif  // ESTUARY_ROBOT_H_
