// One writer's stream: hello, welcome, blocks, acknowledgements.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/process/caller.h"
#include "replay_server/shard.h"
#include "replay_server/stream.h"

namespace estuary::replay {

class AppendStream final : public Stream<v1::AppendRequest, v1::AppendResponse> {
 public:
  AppendStream(Shard& shard, std::shared_ptr<DrainSignal> drain, process::Caller caller)
      : Stream(std::move(drain)), shard_(shard), caller_(std::move(caller)) {}

 private:
  void Step() override;
  void Gone() override;

  absl::Status TakeHello();
  // Checks a block; a bad row cuts it off there and becomes error_, the rows before it stay.
  void TakeBlock();
  // Stores what may be stored of the block at hand.
  void StoreBlock();
  // Writes the welcome or an acknowledgement where one is due.
  void Answer(const Table::WriterState& state);

  Shard& shard_;
  // Who writes; may it write to the table that the hello names?
  const process::Caller caller_;
  ShardTable* table_ = nullptr;
  bool bulk_ = false;
  bool welcomed_ = false;
  WriterSession session_;
  uint64_t told_ = 0;
  // Rows done of the block in request_; has_block_ while some are not.
  bool has_block_ = false;
  uint32_t rows_done_ = 0;
  absl::Status error_;
  Waiter waiting_;
};

}  // namespace estuary::replay
