// One sampler's stream: batches for credits.
#pragma once

#include <memory>
#include <random>
#include <utility>

#include "replay_server/shard.h"
#include "replay_server/stream.h"

namespace estuary::replay {

class SampleStream final : public Stream<v1::SampleRequest, v1::SampleResponse> {
 public:
  SampleStream(Shard& shard, std::shared_ptr<DrainSignal> drain)
      : Stream(std::move(drain)), shard_(shard) {}

 private:
  void Step() override;
  void Gone() override;

  absl::Status TakeHello();
  void SetWaiting(bool waiting);

  Shard& shard_;
  Table* table_ = nullptr;
  uint32_t batch_size_ = 0;
  // In one message at most.
  uint32_t batches_together_ = 1;
  uint64_t credits_ = 0;
  std::mt19937_64 random_;
  bool waiting_ = false;
};

}  // namespace estuary::replay
