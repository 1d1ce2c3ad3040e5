// A Stream whose responses are bytes put together by hand (wire.h), for those that carry many rows.
// Requests are small and parsed as usual.
#pragma once

#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/support/byte_buffer.h>

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "replay_server/stream.h"

namespace estuary::replay {

template <class Message>
class RawStream : public Stream<grpc::ByteBuffer, grpc::ByteBuffer> {
 protected:
  explicit RawStream(std::shared_ptr<DrainSignal> drain) : Stream(std::move(drain)) {}

  // True once for every request that came; it is then in message_. INVALID_ARGUMENT for bytes that
  // are no such message.
  absl::StatusOr<bool> TakeMessage() {
    if (!TakeRequest()) return false;
    const grpc::Status parsed =
        grpc::SerializationTraits<Message>::Deserialize(&request_, &message_);
    if (parsed.ok()) return true;
    return absl::InvalidArgumentError("a request that cannot be parsed");
  }

  Message message_;
};

}  // namespace estuary::replay
