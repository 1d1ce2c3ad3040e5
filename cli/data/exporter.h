// Table real of running shards into a dataset, in little memory.
#pragma once

#include "absl/status/status.h"
#include "cli/data/table_stream.h"
#include "common/dataset/writer.h"

namespace estuary::cli {

// In StreamRealTable's order. Finishes the writer; FAILED_PRECONDITION where the table is empty,
// CANCELLED when the process is told to stop.
absl::Status ExportTable(const TableStreamOptions& options, dataset::Writer& writer,
                         TableStreamProgress& progress);

}  // namespace estuary::cli
