/* What frame_test.cc asks of frame_firmware.c: the frames as a C compiler sees them. */
#ifndef ESTUARY_TESTS_FRAME_FIRMWARE_H_
#define ESTUARY_TESTS_FRAME_FIRMWARE_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes an observation of four values and one motor; its size. */
size_t firmware_observation(uint32_t link, uint64_t sequence, const float* values, uint8_t* out);

/* Reads a command of one motor; 1 and what it says, or 0. */
int firmware_command(const uint8_t* data, size_t size, uint64_t* answers, float* action,
                     int* torque_on);

#ifdef __cplusplus
}
#endif

#endif
