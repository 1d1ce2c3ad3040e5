// What a ReplayWriter holds between its caller and the wire: rows that were appended and are not
// acknowledged, in blocks, and the arithmetic of their numbers.
//
// A row's *place* counts rows from this writer's first (0). The caller's number is place + start,
// the server's place + base; base moves when a shard comes back older or another one takes over.
// `acknowledged` may run ahead of `appended`: a repeated import's rows are known before they come.
//
// Not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "common/transition/block.h"
#include "common/transition/schema.h"
#include "estuary/v1/replay.pb.h"

namespace estuary::client {

// A message in which a block travels; it stays in it until it is acknowledged, so that it can be
// sent again without a copy.
using AppendMessage = std::shared_ptr<v1::AppendRequest>;

class ReplayWriterBuffer {
 public:
  explicit ReplayWriterBuffer(const transition::Schema& schema) : schema_(schema) {}

  uint64_t appended() const { return appended_; }
  uint64_t acknowledged() const { return acknowledged_; }
  uint64_t sent() const { return sent_; }
  // The most that was ever sent, rewound or not.
  uint64_t highest_sent() const { return highest_sent_; }
  // Rows held.
  uint64_t rows() const { return appended_ > acknowledged_ ? appended_ - acknowledged_ : 0; }
  bool all_acknowledged() const { return acknowledged_ >= appended_; }
  bool all_sent() const { return sent_ >= appended_; }

  // Takes the rows; the builder is left empty.
  void Append(transition::BlockBuilder& rows);
  void Append(v1::TransitionBlock block);

  // Every row before this place is stored.
  void Acknowledge(uint64_t place);
  // What is held is to be sent again, from the first unacknowledged row on.
  void Rewind();
  // The next block to send, its place in `place`; null where all are sent.
  AppendMessage NextToSend(uint64_t& place);

  // Everything that is held, oldest first.
  std::vector<v1::TransitionBlock> Take();

 private:
  struct Held {
    uint64_t place = 0;
    AppendMessage message;
    uint32_t rows() const { return message->block().block().rows(); }
    uint64_t end() const { return place + rows(); }
  };

  // A message whose block is `block` (swapped), from memory used before.
  void Push(v1::TransitionBlock& block);
  // Adds the rows to the last block where that is small and not sent yet.
  bool Merge(const v1::TransitionBlock& block);
  void DropFront(uint32_t rows);

  const transition::Schema schema_;
  std::deque<Held> held_;
  // Index of the first block that is not sent.
  size_t next_ = 0;
  std::vector<AppendMessage> spare_;
  uint64_t appended_ = 0;
  uint64_t acknowledged_ = 0;
  uint64_t sent_ = 0;
  uint64_t highest_sent_ = 0;
};

}  // namespace estuary::client
