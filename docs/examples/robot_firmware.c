/* A robot's control program in plain C, as a firmware has it: two headers, no library, no memory
 * but its own. Here the wire is UDP through Linux's sockets; on a microcontroller, put in its place
 * what sends and receives bytes there (over a serial line, estuary_parser finds the frames in
 * them).
 *
 *   robot_firmware 127.0.0.1 5202 [SECONDS]
 */
#define _DEFAULT_SOURCE
#include <arpa/inet.h>
#include <estuary/estuary_robot.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PERIOD_NS 5000000u

static uint64_t clock_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Your sensors and motors. This robot stands still, whatever it is told. */
static void read_sensors(float* observation) {
  observation[0] = -.107f;
  observation[1] = observation[2] = observation[3] = 0;
}
static void drive(const float* action) { (void)action; }
static void motors_off(void) {}

static void send_frame(int wire, const estuary_frame* frame) {
  uint8_t bytes[ESTUARY_FRAME_MOST];
  const size_t size = estuary_frame_encode(frame, bytes);
  if (size > 0 && send(wire, bytes, size, 0) < 0) {
    /* The bridge is away: a hello will find it again. */
  }
}

int main(int argc, char** argv) {
  struct sockaddr_in bridge = {.sin_family = AF_INET};
  estuary_robot robot;
  estuary_frame frame;
  uint64_t sequence = 0, commands = 0, powered = 0;
  uint64_t next = clock_ns(), end;
  int wire;
  if (argc < 3 || inet_pton(AF_INET, argv[1], &bridge.sin_addr) != 1) {
    fprintf(stderr, "usage: %s ADDRESS PORT [SECONDS]\n", argv[0]);
    return 2;
  }
  bridge.sin_port = htons((uint16_t)atoi(argv[2]));
  wire = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  if (wire < 0 || connect(wire, (struct sockaddr*)&bridge, sizeof(bridge)) != 0) {
    perror("robot_firmware");
    return 1;
  }
  end = argc > 3 ? next + (uint64_t)atoi(argv[3]) * 1000000000u : UINT64_MAX;

  estuary_robot_init(&robot, "robot", "wheel_legged_stand", 4, 1, 5000, next);
  while (next < end) {
    uint8_t bytes[ESTUARY_FRAME_MOST];
    float action[ESTUARY_FRAME_MOST_ACTIONS];
    uint64_t in_force = 0;
    struct timespec wake;
    ssize_t size;

    /* One command for the whole period, the newest: a period with two makes no transition. */
    while ((size = recv(wire, bytes, sizeof(bytes), 0)) >= 0) {
      if (estuary_frame_decode(bytes, (size_t)size, &frame)) {
        commands += (uint64_t)estuary_robot_take(&robot, &frame, clock_ns());
      }
    }
    if (estuary_robot_torque(&robot, clock_ns())) {
      in_force = robot.answers;
      memcpy(action, robot.action, sizeof(action));
      drive(action);
    } else {
      motors_off();
    }
    next += PERIOD_NS;
    wake.tv_sec = (time_t)(next / 1000000000u);
    wake.tv_nsec = (long)(next % 1000000000u);
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wake, NULL);

    if (robot.state == ESTUARY_REFUSED) {
      fprintf(stderr, "robot_firmware: error: refused: %s\n", robot.words);
      return 1;
    }
    if (estuary_robot_hello_due(&robot, clock_ns(), &frame)) send_frame(wire, &frame);
    ++sequence;
    if (estuary_robot_connected(&robot)) {
      estuary_robot_observation(&robot, sequence, clock_ns(), &frame);
      read_sensors(frame.first);
      if (in_force != 0) {
        ++powered;
        frame.answers = in_force;
        frame.m = robot.action_dim;
        memcpy(frame.second, action, sizeof(action));
      }
      send_frame(wire, &frame);
    }
  }
  motors_off();
  printf("%s, %llu commands, motors on for %.1f s\n",
         estuary_robot_connected(&robot) ? "connected" : "not connected",
         (unsigned long long)commands, (double)powered * PERIOD_NS * 1e-9);
  return 0;
}
