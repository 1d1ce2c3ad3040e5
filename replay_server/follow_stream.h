// One follower's stream: rows from its cursor on, then live; its reports feed the limiter.
#pragma once

#include <memory>
#include <utility>

#include "replay_server/message_memory.h"
#include "replay_server/raw_stream.h"
#include "replay_server/shard.h"

namespace estuary::replay {

class FollowStream final : public RawStream<v1::FollowRequest> {
 public:
  FollowStream(Shard& shard, std::shared_ptr<DrainSignal> drain)
      : RawStream(std::move(drain)), shard_(shard) {}

 private:
  void Step() override;
  void Gone() override;

  absl::Status TakeHello();
  // Sends the next rows where there are any.
  absl::Status Send();
  // A FollowResponse of these rows.
  grpc::ByteBuffer Message(const ColumnStore& store, uint64_t slot, const Table::LogRead& what);

  Shard& shard_;
  Table* table_ = nullptr;
  FollowerCursor cursor_ = 0;
  uint32_t max_rows_ = 0;
  MessageMemory memory_;
  Waiter waiting_;
};

}  // namespace estuary::replay
