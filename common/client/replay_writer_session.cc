// A ReplayWriter's connections: what its threads do.
#include <functional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/client/replay_writer_impl.h"
#include "common/process/log.h"
#include "common/process/status.h"

namespace estuary::client {

std::string ReplayWriter::Impl::Name() const {
  return absl::StrCat("writer '", options_.writer_id, "' of table '", options_.table, "'");
}

void ReplayWriter::Impl::Run() {
  RetryPauses pauses(Name(), "its replay shard", std::hash<std::string>{}(options_.writer_id));
  const auto stopping = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_; };
  while (true) {
    const int shard = ChooseShard(pauses.Away());
    bool welcomed = false;
    const absl::Status status = Session(shard, welcomed);
    if (welcomed) pauses.Connected();
    if (IsFinal(status)) return Fail(status);
    const absl::MutexLock lock(&mutex_);
    if (stopping_) return;
    last_error_ = status;
    mutex_.AwaitWithTimeout(absl::Condition(&stopping), pauses.Next(status));
    if (stopping_) return;
  }
}

int ReplayWriter::Impl::ChooseShard(absl::Duration away) {
  if (order_.size() > 1 && away > options_.move_after * static_cast<double>(choice_ + 1)) {
    ++choice_;
    spdlog::warn("{} moves from shard {} to shard {}", Name(),
                 options_.shards[order_[(choice_ - 1) % order_.size()]],
                 options_.shards[order_[choice_ % order_.size()]]);
    next_look_home_ = absl::Now() + options_.look_home_every;
  }
  return order_[choice_ % order_.size()];
}

bool ReplayWriter::Impl::HomeIsBack() {
  if (choice_ % order_.size() == 0 || absl::Now() < next_look_home_) return false;
  next_look_home_ = absl::Now() + options_.look_home_every;
  return channels_[order_[0]]->get()->GetState(/*try_to_connect=*/true) == GRPC_CHANNEL_READY;
}

absl::Status ReplayWriter::Impl::Session(int shard, bool& welcomed) {
  const absl::Status ready = call_.Connect(*channels_[shard]);
  if (!ready.ok()) {
    return process::Annotate(ready, absl::StrCat(Name(), " at ", options_.shards[shard]));
  }
  grpc::ClientContext context;
  if (!call_.Begin(&context)) return absl::CancelledError("stopped");
  const auto stub = v1::Replay::NewStub(channels_[shard]->get());
  const std::unique_ptr<Stream> stream = stub->Append(&context);
  absl::Status status = Hello(*stream, shard);
  welcomed = status.ok();
  if (status.ok()) {
    std::thread receiver([&] { Receive(*stream); });
    Send(*stream);
    // Sending ends when the stream broke (receiving has ended already) or when this writer wants
    // it to end.
    stream->WritesDone();
    bool broke = false;
    {
      const absl::MutexLock lock(&mutex_);
      broke = !receiving_ || stopping_;
    }
    if (!broke) context.TryCancel();
    receiver.join();
  }
  // After a refusal of ours the server has to be told; a stream that broke tells why itself.
  if (!status.ok() && !absl::IsUnavailable(status)) context.TryCancel();
  const absl::Status end = process::FromGrpc(stream->Finish());
  call_.End();
  {
    const absl::MutexLock lock(&mutex_);
    connected_ = false;
  }
  // A refusal of ours stands; where the stream just broke the server said why.
  if (status.ok() || absl::IsUnavailable(status)) status = end;
  if (status.ok()) status = absl::UnavailableError("the stream ended");
  return process::Annotate(status, absl::StrCat(Name(), " at ", options_.shards[shard]));
}

absl::Status ReplayWriter::Impl::Hello(Stream& stream, int shard) {
  v1::AppendRequest request;
  v1::AppendHello& hello = *request.mutable_hello();
  hello.set_table(options_.table);
  hello.set_writer_id(options_.writer_id);
  *hello.mutable_schema() = options_.schema.proto();
  hello.set_bulk(options_.bulk);
  v1::AppendResponse response;
  if (!stream.Write(request) || !stream.Read(&response)) {
    return absl::UnavailableError("no welcome");
  }
  if (!response.has_welcome()) return absl::InternalError("an answer that is no welcome");
  return ApplyWelcome(response.welcome(), shard);
}

absl::Status ReplayWriter::Impl::ApplyWelcome(const v1::AppendWelcome& welcome, int shard) {
  const uint64_t next = welcome.next_sequence();
  const absl::MutexLock lock(&mutex_);
  const uint64_t expected = base_ + buffer_.acknowledged();
  const bool first = connects_ == 0;
  if (first && !options_.first_sequence) {
    start_ = next;
    base_ = next;
  } else if (shard != last_shard_ && !first) {
    base_ = next - buffer_.acknowledged();
  } else if (next >= expected) {
    // Rows whose acknowledgement was lost with the connection.
    const uint64_t place = next - base_;
    if (!options_.first_sequence && place > buffer_.highest_sent()) {
      return absl::AbortedError(absl::StrCat(
          "the server holds rows up to ", next, ", of which this process sent only up to ",
          base_ + buffer_.highest_sent(), "; does another process use the same writer_id?"));
    }
    buffer_.Acknowledge(place);
  } else if (options_.replaceable) {
    lost_ += expected - next;
    spdlog::warn("{}: {} acknowledged rows died with shard {}; going on from sequence {}", Name(),
                 expected - next, options_.shards[shard], next);
    base_ = next - buffer_.acknowledged();
  } else if (first) {
    return absl::FailedPreconditionError(absl::StrCat("the first row has sequence ", start_,
                                                      ", but the server's next is ", next,
                                                      ": rows before are missing"));
  } else {
    return absl::DataLossError(absl::StrCat("the server acknowledged rows up to ", expected,
                                            " and now holds them only up to ", next));
  }
  last_shard_ = shard;
  buffer_.Rewind();
  connected_ = true;
  receiving_ = true;
  ++connects_;
  return absl::OkStatus();
}

void ReplayWriter::Impl::Send(Stream& stream) {
  const auto something = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !receiving_ || !buffer_.all_sent();
  };
  const auto drained = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !receiving_ || buffer_.acknowledged() >= buffer_.sent();
  };
  while (true) {
    AppendMessage message;
    {
      const absl::MutexLock lock(&mutex_);
      bool go_home = HomeIsBack();
      while (!go_home && !mutex_.AwaitWithTimeout(absl::Condition(&something), absl::Seconds(1))) {
        go_home = HomeIsBack();
      }
      if (stopping_ || !receiving_) return;
      if (go_home) {
        mutex_.Await(absl::Condition(&drained));
        spdlog::info("{} goes back to shard {}", Name(), options_.shards[order_[0]]);
        choice_ = 0;
        return;
      }
      uint64_t place = 0;
      message = buffer_.NextToSend(place);
      if (message == nullptr) continue;
      message->mutable_block()->set_first_sequence(base_ + place);
    }
    if (!stream.Write(*message)) return;
  }
}

void ReplayWriter::Impl::Receive(Stream& stream) {
  v1::AppendResponse response;
  while (stream.Read(&response)) {
    const absl::MutexLock lock(&mutex_);
    buffer_.Acknowledge(response.ack().next_sequence() - base_);
  }
  const absl::MutexLock lock(&mutex_);
  receiving_ = false;
}

void ReplayWriter::Impl::Fail(const absl::Status& status) {
  const absl::MutexLock lock(&mutex_);
  if (stopping_) return;
  spdlog::error("{}", std::string(status.message()));
  status_ = status;
}

}  // namespace estuary::client
