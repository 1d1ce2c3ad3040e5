// A table's rows as a serialized TransitionBlock, straight from its memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"
#include "replay_server/column_store.h"
#include "replay_server/wire.h"

namespace estuary::replay {

// Bytes of a TransitionBlock of so many rows.
size_t BlockWireSize(const ColumnStore& store, uint32_t rows);

// The rows of the slots from `slot` on, in as many bytes.
void WriteBlock(const ColumnStore& store, uint64_t slot, uint32_t rows, WireWriter& out);

// The rows of these slots.
void WriteRows(const ColumnStore& store, absl::Span<const uint64_t> slots, WireWriter& out);

}  // namespace estuary::replay
