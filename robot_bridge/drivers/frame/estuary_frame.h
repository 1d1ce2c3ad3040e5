// The frame that a robot and its bridge exchange where there is no gRPC: in datagrams (UDP) or over
// a serial line. Plain C99 without dependencies, memory or system calls: copy this file (and
// estuary_robot.h) into a firmware.
//
// All numbers are little endian, floats are IEEE 754 of 32 bits.
//
//   offset size
//        0    4  magic "ESTU"
//        4    1  version, 1
//        5    1  kind
//        6    1  flags
//        7    1  n: numbers in the first array; in a HELLO the robot's observation size
//        8    1  m: numbers in the second array; in a HELLO the robot's action size
//        9    3  zero
//       12    4  link: drawn by the robot for each handshake, not 0, the same in all frames after
//       it 16    8  sequence 24    8  time_ns: the sender's monotonic clock 32    8  answers 40
//       what the kind carries
//      end    4  CRC-32C of everything before it
//
//   kind         sequence              answers                      carries
//   HELLO        0                     0                            control period in us (4),
//   robot's name (32), task (32) WELCOME      0                     0 bridge's name (32) REFUSAL 0
//   0                            why, in words (120) OBSERVATION  control period, from  the
//   observation that the     n observed values; m values of the command in force
//                1                     command in force answered
//   COMMAND      of commands, from 1   the observation it answers   n values of the action
//
// So a robot's frames have one size each: with 4 observed values and 1 motor 64 bytes for an
// observation and 48 for a command. Names and words are filled up with zero bytes.
#ifndef ESTUARY_FRAME_H_
#define ESTUARY_FRAME_H_

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ESTUARY_FRAME_VERSION 1
#define ESTUARY_FRAME_HEADER 40
#define ESTUARY_FRAME_MOST_OBSERVATIONS 32
#define ESTUARY_FRAME_MOST_ACTIONS 16
#define ESTUARY_FRAME_NAME 32
#define ESTUARY_FRAME_WORDS 120
// Bytes of the largest frame: an observation of the largest robot.
#define ESTUARY_FRAME_MOST \
  (ESTUARY_FRAME_HEADER + 4 * (ESTUARY_FRAME_MOST_OBSERVATIONS + ESTUARY_FRAME_MOST_ACTIONS) + 4)

enum {
  ESTUARY_HELLO = 1,
  ESTUARY_WELCOME = 2,
  ESTUARY_REFUSAL = 3,
  ESTUARY_OBSERVATION = 4,
  ESTUARY_COMMAND = 5
};

enum {
  // COMMAND: without it the motors are off, whatever the action.
  ESTUARY_TORQUE_ON = 1,
  // OBSERVATION: more than one command was in force in the period that ended.
  ESTUARY_APPLIED_CHANGED = 2,
  // OBSERVATION: the robot starts anew from here (it was put back on its wheels).
  ESTUARY_EPISODE_START = 4,
  // REFUSAL: another time it may go well.
  ESTUARY_TRY_AGAIN = 8
};

typedef struct {
  uint8_t kind;
  uint8_t flags;
  uint8_t n;
  uint8_t m;
  uint32_t link;
  uint64_t sequence;
  uint64_t time_ns;
  uint64_t answers;
  // OBSERVATION: observed values; COMMAND: the action.
  float first[ESTUARY_FRAME_MOST_OBSERVATIONS];
  // OBSERVATION: the command in force.
  float second[ESTUARY_FRAME_MOST_ACTIONS];
  // HELLO.
  uint32_t period_us;
  // HELLO: the robot; WELCOME: the bridge. Ends with a zero, as does `words`.
  char name[ESTUARY_FRAME_NAME + 1];
  // HELLO: the task; REFUSAL: why.
  char words[ESTUARY_FRAME_WORDS + 1];
} estuary_frame;

// CRC-32C (Castagnoli) with a table of 64 bytes. A processor that computes it by itself may define
// ESTUARY_FRAME_CRC(data, size) before this file is included.
static inline uint32_t estuary_frame_crc(const uint8_t* data, size_t size) {
  static const uint32_t table[16] = {0x00000000u, 0x105ec76fu, 0x20bd8edeu, 0x30e349b1u,
                                     0x417b1dbcu, 0x5125dad3u, 0x61c69362u, 0x7198540du,
                                     0x82f63b78u, 0x92a8fc17u, 0xa24bb5a6u, 0xb21572c9u,
                                     0xc38d26c4u, 0xd3d3e1abu, 0xe330a81au, 0xf36e6f75u};
  uint32_t crc = 0xffffffffu;
  size_t i;
  for (i = 0; i < size; ++i) {
    crc ^= data[i];
    crc = (crc >> 4) ^ table[crc & 15u];
    crc = (crc >> 4) ^ table[crc & 15u];
  }
  return crc ^ 0xffffffffu;
}
#ifndef ESTUARY_FRAME_CRC
#define ESTUARY_FRAME_CRC(data, size) estuary_frame_crc(data, size)
#endif

static inline void estuary_put_u32(uint8_t* to, uint32_t value) {
  int i;
  for (i = 0; i < 4; ++i) to[i] = (uint8_t)(value >> (8 * i));
}
static inline void estuary_put_u64(uint8_t* to, uint64_t value) {
  estuary_put_u32(to, (uint32_t)value);
  estuary_put_u32(to + 4, (uint32_t)(value >> 32));
}
static inline void estuary_put_floats(uint8_t* to, const float* values, size_t count) {
  size_t i;
  for (i = 0; i < count; ++i) {
    uint32_t bits;
    memcpy(&bits, &values[i], 4);
    estuary_put_u32(to + 4 * i, bits);
  }
}
static inline uint32_t estuary_get_u32(const uint8_t* from) {
  return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
         (uint32_t)from[3] << 24;
}
static inline uint64_t estuary_get_u64(const uint8_t* from) {
  return (uint64_t)estuary_get_u32(from) | (uint64_t)estuary_get_u32(from + 4) << 32;
}
static inline void estuary_get_floats(const uint8_t* from, float* values, size_t count) {
  size_t i;
  for (i = 0; i < count; ++i) {
    const uint32_t bits = estuary_get_u32(from + 4 * i);
    memcpy(&values[i], &bits, 4);
  }
}
// `text` as `size` bytes, filled up with zeros; what is longer is cut.
static inline void estuary_put_text(uint8_t* to, const char* text, size_t size) {
  size_t i = 0;
  for (; i < size && text[i] != 0; ++i) to[i] = (uint8_t)text[i];
  for (; i < size; ++i) to[i] = 0;
}

// Bytes of a frame; 0 where there is no such frame.
static inline size_t estuary_frame_size(uint8_t kind, uint8_t n, uint8_t m) {
  if (n > ESTUARY_FRAME_MOST_OBSERVATIONS || m > ESTUARY_FRAME_MOST_ACTIONS) return 0;
  switch (kind) {
    case ESTUARY_HELLO:
      return ESTUARY_FRAME_HEADER + 4 + 2 * ESTUARY_FRAME_NAME + 4;
    case ESTUARY_WELCOME:
      return n == 0 && m == 0 ? ESTUARY_FRAME_HEADER + ESTUARY_FRAME_NAME + 4 : 0;
    case ESTUARY_REFUSAL:
      return n == 0 && m == 0 ? ESTUARY_FRAME_HEADER + ESTUARY_FRAME_WORDS + 4 : 0;
    case ESTUARY_OBSERVATION:
      return ESTUARY_FRAME_HEADER + 4 * ((size_t)n + m) + 4;
    case ESTUARY_COMMAND:
      return n <= ESTUARY_FRAME_MOST_ACTIONS && m == 0 ? ESTUARY_FRAME_HEADER + 4 * (size_t)n + 4
                                                       : 0;
    default:
      return 0;
  }
}

// Writes a frame to `out`, which has room for ESTUARY_FRAME_MOST bytes; gives its size, 0 where the
// frame cannot be (a kind or a size that there is not).
static inline size_t estuary_frame_encode(const estuary_frame* frame, uint8_t* out) {
  const size_t size = estuary_frame_size(frame->kind, frame->n, frame->m);
  uint8_t* const body = out + ESTUARY_FRAME_HEADER;
  if (size == 0) return 0;
  memcpy(out, "ESTU", 4);
  out[4] = ESTUARY_FRAME_VERSION;
  out[5] = frame->kind;
  out[6] = frame->flags;
  out[7] = frame->n;
  out[8] = frame->m;
  out[9] = out[10] = out[11] = 0;
  estuary_put_u32(out + 12, frame->link);
  estuary_put_u64(out + 16, frame->sequence);
  estuary_put_u64(out + 24, frame->time_ns);
  estuary_put_u64(out + 32, frame->answers);
  switch (frame->kind) {
    case ESTUARY_HELLO:
      estuary_put_u32(body, frame->period_us);
      estuary_put_text(body + 4, frame->name, ESTUARY_FRAME_NAME);
      estuary_put_text(body + 4 + ESTUARY_FRAME_NAME, frame->words, ESTUARY_FRAME_NAME);
      break;
    case ESTUARY_WELCOME:
      estuary_put_text(body, frame->name, ESTUARY_FRAME_NAME);
      break;
    case ESTUARY_REFUSAL:
      estuary_put_text(body, frame->words, ESTUARY_FRAME_WORDS);
      break;
    default:
      estuary_put_floats(body, frame->first, frame->n);
      estuary_put_floats(body + 4 * (size_t)frame->n, frame->second, frame->m);
      break;
  }
  estuary_put_u32(out + size - 4, ESTUARY_FRAME_CRC(out, size - 4));
  return size;
}

// What the first bytes of a frame say of its size: the size; 0 where no frame begins so; 1 where
// more bytes are needed to say it.
static inline size_t estuary_frame_expect(const uint8_t* data, size_t size) {
  if (memcmp(data, "ESTU", size < 4 ? size : 4) != 0) return 0;
  if (size > 4 && data[4] != ESTUARY_FRAME_VERSION) return 0;
  if (size < 12) return 1;
  if (data[9] != 0 || data[10] != 0 || data[11] != 0) return 0;
  return estuary_frame_size(data[5], data[7], data[8]);
}

// Reads exactly one frame; 1, or 0 where it is none, damaged, or of another version. Values come as
// they are, NaN included.
static inline int estuary_frame_decode(const uint8_t* data, size_t size, estuary_frame* frame) {
  const uint8_t* const body = data + ESTUARY_FRAME_HEADER;
  if (size < ESTUARY_FRAME_HEADER + 4 || estuary_frame_expect(data, size) != size) return 0;
  if (ESTUARY_FRAME_CRC(data, size - 4) != estuary_get_u32(data + size - 4)) return 0;
  memset(frame, 0, sizeof(*frame));
  frame->kind = data[5];
  frame->flags = data[6];
  frame->n = data[7];
  frame->m = data[8];
  frame->link = estuary_get_u32(data + 12);
  frame->sequence = estuary_get_u64(data + 16);
  frame->time_ns = estuary_get_u64(data + 24);
  frame->answers = estuary_get_u64(data + 32);
  switch (frame->kind) {
    case ESTUARY_HELLO:
      frame->period_us = estuary_get_u32(body);
      memcpy(frame->name, body + 4, ESTUARY_FRAME_NAME);
      memcpy(frame->words, body + 4 + ESTUARY_FRAME_NAME, ESTUARY_FRAME_NAME);
      break;
    case ESTUARY_WELCOME:
      memcpy(frame->name, body, ESTUARY_FRAME_NAME);
      break;
    case ESTUARY_REFUSAL:
      memcpy(frame->words, body, ESTUARY_FRAME_WORDS);
      break;
    default:
      estuary_get_floats(body, frame->first, frame->n);
      estuary_get_floats(body + 4 * (size_t)frame->n, frame->second, frame->m);
      break;
  }
  return 1;
}

// Finds frames in a stream of bytes (a serial line), also after garbage: put bytes in, take frames
// out until there is none. A damaged frame costs itself alone: the search goes on right after its
// first byte. Zero-initialise it.
typedef struct {
  uint8_t bytes[2 * ESTUARY_FRAME_MOST];
  size_t used;
  // Frames that were damaged, and bytes that belonged to none.
  uint32_t corrupt;
  uint32_t skipped;
} estuary_parser;

// How many of the bytes there was room for: all, if every frame is taken out after each call and a
// call brings at most ESTUARY_FRAME_MOST.
static inline size_t estuary_parser_put(estuary_parser* parser, const uint8_t* data, size_t size) {
  const size_t room = sizeof(parser->bytes) - parser->used;
  if (size > room) size = room;
  if (size > 0) memcpy(parser->bytes + parser->used, data, size);
  parser->used += size;
  return size;
}

static inline void estuary_parser_drop(estuary_parser* parser, size_t count) {
  parser->used -= count;
  memmove(parser->bytes, parser->bytes + count, parser->used);
}

// 1 and the next frame, or 0 where more bytes are needed.
static inline int estuary_parser_take(estuary_parser* parser, estuary_frame* frame) {
  for (;;) {
    size_t start = 0;
    size_t size = 0;
    while (start < parser->used) {
      size = estuary_frame_expect(parser->bytes + start, parser->used - start);
      if (size != 0) break;
      ++start;
    }
    if (start > 0) {
      parser->skipped += (uint32_t)start;
      estuary_parser_drop(parser, start);
    }
    if (parser->used == 0 || size == 1 || parser->used < size) return 0;
    if (estuary_frame_decode(parser->bytes, size, frame)) {
      estuary_parser_drop(parser, size);
      return 1;
    }
    ++parser->corrupt;
    ++parser->skipped;
    estuary_parser_drop(parser, 1);
  }
}

#ifdef __cplusplus
}
#endif

#endif  // ESTUARY_FRAME_H_
