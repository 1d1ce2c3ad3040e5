// One follower's stream: rows from its cursor on, then live; its reports feed the limiter.
#pragma once

#include <memory>
#include <utility>

#include "replay_server/shard.h"
#include "replay_server/stream.h"

namespace estuary::replay {

class FollowStream final : public Stream<v1::FollowRequest, v1::FollowResponse> {
 public:
  FollowStream(Shard& shard, std::shared_ptr<DrainSignal> drain)
      : Stream(std::move(drain)), shard_(shard) {}

 private:
  void Step() override;
  void Gone() override;

  absl::Status TakeHello();
  // Sends the next rows where there are any.
  absl::Status Send();

  Shard& shard_;
  Table* table_ = nullptr;
  uint64_t cursor_ = 0;
  uint32_t max_rows_ = 0;
};

}  // namespace estuary::replay
