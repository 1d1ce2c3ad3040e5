// One sampler's stream: batches for credits.
#pragma once

#include <memory>
#include <utility>

#include "replay_server/message_memory.h"
#include "replay_server/raw_stream.h"
#include "replay_server/shard.h"

namespace estuary::replay {

class SampleStream final : public RawStream<v1::SampleRequest> {
 public:
  SampleStream(Shard& shard, std::shared_ptr<DrainSignal> drain)
      : RawStream(std::move(drain)), shard_(shard) {}

 private:
  void Step() override;
  void Gone() override;

  absl::Status TakeHello();
  // A SampleResponse of what was drawn.
  grpc::ByteBuffer Message(const ColumnStore& store, const Table::Draw& draw);

  Shard& shard_;
  Table* table_ = nullptr;
  uint32_t batch_size_ = 0;
  // In one message at most.
  uint32_t rows_together_ = 1;
  // In rows.
  uint64_t credits_ = 0;
  Table::Draw draw_{0};
  MessageMemory memory_;
  Waiter waiting_;
};

}  // namespace estuary::replay
