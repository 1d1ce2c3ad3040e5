// A bare gRPC byte stream: what the same transport gives where nobody reads, checks, frames or
// parses anything. The limit that following a replay is measured against.
#pragma once

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <memory>
#include <string>
#include <utility>

#include "common/process/channel.h"
#include "common/process/server.h"
#include "estuary/v1/replay.grpc.pb.h"

namespace estuary::benchmarks {

// Sends the same message for ever.
class BareStreamService final
    : public v1::Replay::WithRawCallbackMethod_Follow<v1::Replay::Service> {
 public:
  explicit BareStreamService(size_t message_bytes) : slice_(message_bytes) {}

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Follow(
      grpc::CallbackServerContext* /*context*/) override {
    return new Reactor(slice_);
  }

 private:
  class Reactor final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
   public:
    explicit Reactor(const grpc::Slice& slice) : message_(&slice, 1) { StartWrite(&message_); }
    void OnWriteDone(bool ok) override {
      if (ok) {
        StartWrite(&message_);
      } else {
        Finish(grpc::Status::CANCELLED);
      }
    }
    void OnDone() override { delete this; }

   private:
    grpc::ByteBuffer message_;
  };

  const grpc::Slice slice_;
};

// Bytes a second that a client gets from a BareStreamService over `seconds`.
inline double MeasureBareStream(const std::string& address, double total_bytes,
                                double (*now_in_seconds)()) {
  const auto channel = process::MakeChannel(address);
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const auto stream = stub.PrepareCall(&context, "/estuary.v1.Replay/Follow", &queue);
  const auto wait = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  stream->StartCall(nullptr);
  if (!wait()) return 0;
  grpc::ByteBuffer message;
  double bytes = 0;
  double start = 0;
  while (bytes < total_bytes) {
    stream->Read(&message, nullptr);
    if (!wait()) return 0;
    if (start == 0) {
      start = now_in_seconds();
    } else {
      bytes += static_cast<double>(message.Length());
    }
  }
  const double speed = bytes / (now_in_seconds() - start);
  context.TryCancel();
  grpc::Status status;
  stream->Finish(&status, nullptr);
  wait();
  return speed;
}

}  // namespace estuary::benchmarks
