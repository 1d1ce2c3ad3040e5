// Requests of an Append stream and what checks them on their way into a table: pieces, each the
// bytes of an AppendRequest.
#include <cstdint>
#include <memory>

#include "common/transition/block.h"
#include "replay_server/table.h"
#include "tests/fuzz/harness/fuzz.h"
#include "tests/fuzz/harness/quiet.h"
#include "tests/fuzz/replay_tables.h"

namespace estuary::fuzz {
namespace {

constexpr uint32_t kMaxRows = 1 << 16;

// A hello: the schema as sent becomes a schema of ours or is refused.
void Hello(replay::Table& table, const v1::AppendHello& hello,
           absl::StatusOr<replay::WriterSession>& session) {
  const auto schema = transition::Schema::FromProto(hello.schema());
  if (!schema.ok()) return;
  FUZZ_CHECK(schema->row_bytes() > 0, "a schema's rows have bytes");
  const bool equal = table.schema().CheckEqual(*schema, "the table").ok();
  FUZZ_CHECK(!equal || schema->row_bytes() == table.schema().row_bytes(), "equal means equal");
  if (equal) session = table.OpenWriter(hello.writer_id());
}

void Block(replay::Table& table, const v1::AppendBlock& append,
           const replay::WriterSession& session) {
  const v1::TransitionBlock& block = append.block();
  if (!transition::CheckBlock(table.schema(), block, kMaxRows, /*check_finite=*/true).ok()) return;
  const uint64_t before = table.Status().inserted();
  const uint64_t stored = session.writer->stored;
  const auto done = table.Append(session, append.first_sequence(), block, 0, false, nullptr);
  if (!done.ok()) {
    FUZZ_CHECK(table.Status().inserted() == before, "a refused block stores nothing");
    return;
  }
  FUZZ_CHECK(done->duplicates + done->taken <= block.rows(), "no more rows than came");
  FUZZ_CHECK(session.writer->stored == stored + done->taken, "each row is stored once");
  FUZZ_CHECK(table.Status().inserted() == before + done->taken, "and counted once");
}

}  // namespace
}  // namespace estuary::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace estuary;  // NOLINT
  fuzz::Input input(data, size);
  auto table = replay::Table::Create(fuzz::ToyTables().tables(1)).value();
  absl::StatusOr<replay::WriterSession> session = absl::NotFoundError("no hello");
  while (!input.empty()) {
    v1::AppendRequest request;
    const absl::string_view bytes = input.Piece();
    if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) continue;
    if (request.has_hello()) fuzz::Hello(*table, request.hello(), session);
    if (request.has_block() && session.ok()) fuzz::Block(*table, request.block(), *session);
  }
  fuzz::CheckTable(*table, /*finite=*/true);
  return 0;
}
