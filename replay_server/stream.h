// What the three kinds of streams share: a gRPC reactor whose events run one after the other.
//
// Every event (a read or a write is done, a table says that something changed, the client is gone,
// the server drains) kicks the stream; the first thread that kicks runs Step until nothing is new,
// others leave at once. So Step needs no lock, holds none while it calls a table or gRPC, and may
// be woken by what it does itself.
//
// Back-pressure is not to call Read: gRPC then stops taking bytes from the client. A stream owns
// one request and one response, reads and writes one at a time, so its memory is bounded.
//
// A stream owns itself until gRPC is done with it; listeners hold weak pointers.
#pragma once

#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "common/process/status.h"
#include "replay_server/listener.h"

namespace estuary::replay {

// Told once when the server drains.
struct DrainSignal {
  std::atomic<bool> draining = false;
  ListenerList streams;
};

template <class Request, class Response>
class Stream : public grpc::ServerBidiReactor<Request, Response>,
               public Listener,
               public std::enable_shared_from_this<Stream<Request, Response>> {
 public:
  // After construction: keeps the stream alive until gRPC is done.
  void Begin() {
    self_ = this->shared_from_this();
    drain_->streams.Add(self_);
    Kick();
  }

  void Wake() final { Kick(); }

  void OnReadDone(bool ok) final {
    read_.store(ok ? Operation::kDone : Operation::kFailed, std::memory_order_release);
    Kick();
  }
  void OnWriteDone(bool ok) final {
    write_.store(ok ? Operation::kIdle : Operation::kFailed, std::memory_order_release);
    Kick();
  }
  void OnCancel() final {
    cancelled_.store(true, std::memory_order_release);
    Kick();
  }
  void OnDone() final {
    Gone();
    self_.reset();
  }

 protected:
  explicit Stream(std::shared_ptr<DrainSignal> drain) : drain_(std::move(drain)) {}

  // Looks at everything and does what can be done; never blocks.
  virtual void Step() = 0;
  // The last call.
  virtual void Gone() = 0;

  // --- For Step ---
  bool draining() const { return drain_->draining.load(std::memory_order_acquire); }
  // The peer is gone or a write failed: nothing more can be said.
  bool broken() const {
    return cancelled_.load(std::memory_order_acquire) ||
           write_.load(std::memory_order_acquire) == Operation::kFailed;
  }
  void Read() {
    read_.store(Operation::kRunning, std::memory_order_release);
    this->StartRead(&request_);
  }
  bool read_idle() const { return read_.load(std::memory_order_acquire) == Operation::kIdle; }
  // The client will send nothing more.
  bool read_ended() const { return read_.load(std::memory_order_acquire) == Operation::kFailed; }
  // True once for every request that came, which is in request_ until the next Read.
  bool TakeRequest() {
    if (read_.load(std::memory_order_acquire) != Operation::kDone) return false;
    read_.store(Operation::kIdle, std::memory_order_release);
    return true;
  }
  // Sends response_, which must not be touched until may_write() again.
  void Write() {
    write_.store(Operation::kRunning, std::memory_order_release);
    this->StartWrite(&response_);
  }
  bool may_write() const { return write_.load(std::memory_order_acquire) == Operation::kIdle; }
  void End(const absl::Status& status) {
    finished_ = true;
    this->Finish(process::ToGrpc(status));
  }

  Request request_;
  Response response_;

 private:
  enum class Operation { kIdle, kRunning, kDone, kFailed };

  void Kick() {
    if (kicks_.fetch_add(1, std::memory_order_acq_rel) != 0) return;
    // Step may end the stream, and gRPC then let go of it at once.
    const auto alive = this->weak_from_this().lock();
    if (alive == nullptr) return;
    int seen = kicks_.load(std::memory_order_acquire);
    while (true) {
      if (!finished_) Step();
      if (kicks_.compare_exchange_strong(seen, 0, std::memory_order_acq_rel)) return;
    }
  }

  const std::shared_ptr<DrainSignal> drain_;
  std::shared_ptr<Stream> self_;
  std::atomic<int> kicks_ = 0;
  std::atomic<Operation> read_ = Operation::kIdle;
  std::atomic<Operation> write_ = Operation::kIdle;
  std::atomic<bool> cancelled_ = false;
  // Step's own.
  bool finished_ = false;
};

}  // namespace estuary::replay
