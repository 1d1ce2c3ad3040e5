// A shard's whole surface: the bytes of requests, over gRPC, to what answers them. Input: a byte
// that chooses the call, then pieces, each a request as it comes over the wire. Cursors, credits,
// schemas, priorities and blocks are all in there.
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/process/metrics.h"
#include "common/transition/block.h"
#include "replay_server/service.h"
#include "tests/fuzz/harness/fuzz.h"
#include "tests/fuzz/harness/quiet.h"
#include "tests/fuzz/harness/scratch.h"
#include "tests/fuzz/replay_tables.h"

namespace estuary::fuzz {
namespace {

// A stream that waits for something else to happen is given up.
constexpr auto kPatience = std::chrono::milliseconds(20);
constexpr int kMostAnswers = 8;

enum Call : uint8_t { kAppend, kFollow, kSample, kUpdatePriorities, kDescribe, kCalls };
const char* const kMethods[kCalls] = {
    "/estuary.v1.Replay/Append", "/estuary.v1.Replay/Follow", "/estuary.v1.Replay/Sample",
    "/estuary.v1.Replay/UpdatePriorities", "/estuary.v1.Replay/Describe"};

template <class Message>
Message Parse(grpc::ByteBuffer& bytes) {
  Message message;
  const grpc::Status status = grpc::SerializationTraits<Message>::Deserialize(&bytes, &message);
  FUZZ_CHECK(status.ok(), "an answer is a message");
  return message;
}

void CheckAnswer(Call call, grpc::ByteBuffer& bytes) {
  const transition::Schema schema = ToySchema();
  constexpr uint32_t kMost = 1 << 16;
  if (call == kAppend) Parse<v1::AppendResponse>(bytes);
  if (call == kFollow) {
    const auto answer = Parse<v1::FollowResponse>(bytes);
    const absl::Status good = transition::CheckBlock(schema, answer.block(), kMost, true);
    FUZZ_CHECK(good.ok(), good.ToString());
    FUZZ_CHECK(answer.cursor() + answer.block().rows() <= answer.next_cursor(),
               "positions are below the log's end");
  }
  if (call == kSample) {
    const auto answer = Parse<v1::SampleResponse>(bytes);
    const absl::Status good = transition::CheckBlock(schema, answer.block(), kMost, true);
    FUZZ_CHECK(good.ok(), good.ToString());
    FUZZ_CHECK(answer.cursor_size() == static_cast<int>(answer.block().rows()), "one a row");
    for (const uint64_t cursor : answer.cursor()) {
      FUZZ_CHECK(cursor < answer.next_cursor(), "rows are of the log");
    }
  }
}

// Sends the requests and takes answers until the call ends or nothing happens.
void Exchange(const std::shared_ptr<grpc::Channel>& channel, Call call,
              const std::vector<grpc::ByteBuffer>& requests) {
  enum Tag : intptr_t { kStart, kWrite, kRead, kFinish };
  const auto tag = [](Tag t) { return reinterpret_cast<void*>(t); };
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const auto stream = stub.PrepareCall(&context, kMethods[call], &queue);
  stream->StartCall(tag(kStart));
  size_t sent = 0;
  int answers = 0;
  bool writing = false;
  bool reading = false;
  grpc::ByteBuffer answer;
  grpc::Status status;
  const auto write = [&] {
    writing = true;
    if (sent < requests.size()) {
      stream->Write(requests[sent++], tag(kWrite));
    } else if (sent++ == requests.size()) {
      stream->WritesDone(tag(kWrite));
    } else {
      writing = false;
    }
  };
  const auto read = [&] {
    reading = true;
    stream->Read(&answer, tag(kRead));
  };
  while (true) {
    void* done = nullptr;
    bool ok = false;
    const auto next = queue.AsyncNext(&done, &ok, std::chrono::system_clock::now() + kPatience);
    if (next == grpc::CompletionQueue::TIMEOUT) {
      context.TryCancel();
      continue;
    }
    const auto what = static_cast<Tag>(reinterpret_cast<intptr_t>(done));
    if (what == kFinish) break;
    if (what == kStart && ok) {
      write();
      read();
    }
    if (what == kWrite) {
      writing = false;
      if (ok) write();
    }
    if (what == kRead) {
      reading = false;
      if (ok) {
        CheckAnswer(call, answer);
        if (++answers >= kMostAnswers) context.TryCancel();
        read();
      }
    }
    if (!writing && !reading) stream->Finish(&status, tag(kFinish));
  }
  queue.Shutdown();
  void* rest = nullptr;
  bool ok = false;
  while (queue.Next(&rest, &ok)) {
  }
}

// A few rows in every table.
void Fill(replay::Shard& shard) {
  transition::BlockBuilder builder(ToySchema());
  for (int i = 0; i < 5; ++i) {
    const float observation[2] = {1, 2};
    const float action[1] = {0.5F};
    builder.Add({.observation = observation,
                 .action = action,
                 .reward = 1,
                 .next_observation = observation,
                 .source = v1::TRANSITION_SOURCE_POLICY});
  }
  for (const char* name : {"sim", "prio"}) {
    replay::Table& table = *(*shard.Find(name))->table;
    const auto session = table.OpenWriter("before");
    FUZZ_CHECK(table.Append(*session, 0, builder.block(), 0, false, nullptr).ok(), "there is room");
    // A gap in the positions, as a restart leaves it.
    table.JumpTo(1000);
    FUZZ_CHECK(table.Append(*session, 5, builder.block(), 0, false, nullptr).ok(), "there is room");
  }
}

v1::TableConfigs Tables() {
  v1::TableConfigs tables = ToyTables();
  v1::TableConfig& prioritized = *tables.add_tables();
  prioritized = tables.tables(1);
  prioritized.set_name("prio");
  prioritized.set_selector(v1::SELECTOR_PRIORITIZED);
  prioritized.set_priority_exponent(0.6);
  return tables;
}

}  // namespace
}  // namespace estuary::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace estuary;  // NOLINT
  static const fuzz::Scratch scratch;
  fuzz::Input input(data, size);
  const auto call = static_cast<fuzz::Call>(input.Byte() % fuzz::kCalls);
  std::vector<grpc::ByteBuffer> requests;
  while (!input.empty() && requests.size() < 16) {
    const absl::string_view bytes = input.Piece();
    const grpc::Slice slice(bytes.data(), bytes.size());
    requests.emplace_back(&slice, 1);
  }
  std::filesystem::remove_all(scratch.path() + "/data");
  process::Metrics metrics;
  const auto shard = fuzz::OpenShard(scratch.path() + "/data", metrics, false, fuzz::Tables());
  FUZZ_CHECK(shard != nullptr, "a fresh shard opens");
  fuzz::Fill(*shard);
  {
    replay::Service service(*shard);
    grpc::ServerBuilder builder;
    builder.RegisterService(&service);
    const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
    fuzz::Exchange(server->InProcessChannel({}), call, requests);
    service.Drain();
    server->Shutdown();
  }
  for (const char* name : {"real", "sim", "prio"}) {
    fuzz::CheckTable(*(*shard->Find(name))->table, /*finite=*/true);
  }
  return 0;
}
