#include "replay_server/message_memory.h"

#include <grpcpp/support/slice.h>

#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace estuary::replay {

// Buffers that nobody uses now. They know their home only while they are away.
class SpareBuffers {
 public:
  using Buffer = MessageMemory::Buffer;

  std::unique_ptr<Buffer> Take() {
    const absl::MutexLock lock(&mutex_);
    if (spare_.empty()) return nullptr;
    std::unique_ptr<Buffer> buffer = std::move(spare_.back());
    spare_.pop_back();
    return buffer;
  }

  void Give(std::unique_ptr<Buffer> buffer) {
    const absl::MutexLock lock(&mutex_);
    if (spare_.size() < kMost) spare_.push_back(std::move(buffer));
  }

 private:
  // A stream has one message under way, and the transport the ends of those before.
  static constexpr size_t kMost = 4;

  absl::Mutex mutex_;
  std::vector<std::unique_ptr<Buffer>> spare_ ABSL_GUARDED_BY(mutex_);
};

MessageMemory::MessageMemory() : spare_(std::make_shared<SpareBuffers>()) {}

std::unique_ptr<MessageMemory::Buffer> MessageMemory::Take(size_t bytes) {
  std::unique_ptr<Buffer> buffer = spare_->Take();
  if (buffer == nullptr) buffer = std::make_unique<Buffer>();
  if (buffer->size_ < bytes) {
    // Not by make_unique, which would write zeros.
    buffer->bytes_.reset(new char[bytes]);
    buffer->size_ = bytes;
  }
  buffer->home_ = spare_;
  return buffer;
}

grpc::ByteBuffer MessageMemory::ToMessage(std::unique_ptr<Buffer> buffer, size_t bytes) {
  char* data = buffer->data();
  const grpc::Slice slice(data, bytes, &MessageMemory::Return, buffer.release());
  return grpc::ByteBuffer(&slice, 1);
}

void MessageMemory::Return(void* buffer) {
  std::unique_ptr<Buffer> owned(static_cast<Buffer*>(buffer));
  const std::shared_ptr<SpareBuffers> home = std::move(owned->home_);
  if (home != nullptr) home->Give(std::move(owned));
}

}  // namespace estuary::replay
