// Memory for the large messages of one stream, used again and again: fresh memory of this size
// would be mapped, zeroed and given back by the kernel for every message.
//
// A message leaves as a slice that gRPC keeps as long as it needs; the memory then comes back here,
// or is freed where the stream is gone or has enough. Thread-safe.
#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <cstddef>
#include <memory>

namespace estuary::replay {

class MessageMemory {
 public:
  MessageMemory();

  // Room for one message, of which every byte is to be written.
  class Buffer {
   public:
    char* data() { return bytes_.get(); }

   private:
    friend class MessageMemory;
    std::unique_ptr<char[]> bytes_;
    size_t size_ = 0;
    std::shared_ptr<class SpareBuffers> home_;
  };
  std::unique_ptr<Buffer> Take(size_t bytes);
  // The buffer's first `bytes`.
  static grpc::ByteBuffer ToMessage(std::unique_ptr<Buffer> buffer, size_t bytes);

 private:
  // What gRPC calls when it needs a message's memory no more.
  static void Return(void* buffer);

  const std::shared_ptr<class SpareBuffers> spare_;
};

}  // namespace estuary::replay
