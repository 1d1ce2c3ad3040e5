#include "replay_server/block_wire.h"

#include "estuary/v1/transition.pb.h"

namespace estuary::replay {
namespace {

using Field = v1::TransitionBlock;

}  // namespace

size_t BlockWireSize(const ColumnStore& store, uint32_t rows) {
  size_t bytes = WireWriter::VarintSize(rows);
  for (int i = 0; i < store.columns(); ++i) {
    bytes += WireWriter::BytesSize(rows * store.column_bytes(i));
  }
  return bytes;
}

void WriteBlock(const ColumnStore& store, uint64_t slot, uint32_t rows, WireWriter& out) {
  out.Varint(Field::kRowsFieldNumber, rows);
  for (int i = 0; i < store.columns(); ++i) {
    const size_t bytes = rows * store.column_bytes(i);
    out.Open(Field::kColumnsFieldNumber, bytes);
    store.Read(i, slot, rows, out.Skip(bytes));
  }
}

void WriteRows(const ColumnStore& store, absl::Span<const uint64_t> slots, WireWriter& out) {
  out.Varint(Field::kRowsFieldNumber, slots.size());
  for (int i = 0; i < store.columns(); ++i) {
    const size_t bytes = slots.size() * store.column_bytes(i);
    out.Open(Field::kColumnsFieldNumber, bytes);
    store.Gather(i, slots, out.Skip(bytes));
  }
}

}  // namespace estuary::replay
