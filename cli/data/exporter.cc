#include "cli/data/exporter.h"

#include <algorithm>

#include "common/process/shutdown.h"
#include "common/process/status.h"
#include "common/transition/block.h"

namespace estuary::cli {
namespace {

constexpr size_t kRowsAtOnce = 8192;
constexpr size_t kBytesAtOnce = 16 << 20;

void Copy(absl::Span<const float> from, size_t from_row, size_t width, std::vector<float>& to,
          size_t to_row) {
  std::copy_n(from.begin() + from_row * width, width, to.begin() + to_row * width);
}

// Row `from` of a block becomes row `to` of the batch.
void CopyRow(const v1::TransitionBlock& block, size_t from, dataset::Batch& batch, size_t to) {
  const size_t obs = batch.observation_dim;
  Copy(transition::Floats(block, transition::kObservation), from, obs, batch.observations, to);
  Copy(transition::Floats(block, transition::kAction), from, batch.action_dim, batch.actions, to);
  Copy(transition::Floats(block, transition::kReward), from, 1, batch.rewards, to);
  Copy(transition::Floats(block, transition::kNextObservation), from, obs, batch.next_observations,
       to);
  const uint8_t flags = transition::Bytes(block, transition::kFlags)[from];
  batch.terminals[to] = (flags & v1::TRANSITION_FLAG_TERMINAL) != 0 ? 1 : 0;
  batch.timeouts[to] = (flags & v1::TRANSITION_FLAG_TRUNCATED) != 0 ? 1 : 0;
}

}  // namespace

absl::Status ExportTable(const TableStreamOptions& options, dataset::Writer& writer,
                         TableStreamProgress& progress) {
  const int obs = options.schema.observation_dim();
  const int act = options.schema.action_dim();
  const size_t at_once =
      std::clamp<size_t>(kBytesAtOnce / options.schema.row_bytes(), 1, kRowsAtOnce);
  dataset::Batch batch;
  batch.Resize(0, at_once, obs, act);
  size_t filled = 0;
  uint64_t written = 0;
  const auto take = [&](const v1::TransitionBlock& block, size_t row) -> absl::Status {
    CopyRow(block, row, batch, filled++);
    if (filled < at_once) return absl::OkStatus();
    if (process::ShutdownRequested()) return absl::CancelledError("the export was stopped");
    filled = 0;
    written += at_once;
    return writer.Append(batch);
  };
  ESTUARY_RETURN_IF_ERROR(StreamRealTable(options, progress, take));
  if (written + filled == 0) {
    return absl::FailedPreconditionError("table real holds no rows yet; nothing was written");
  }
  batch.Truncate(filled);
  if (filled > 0) ESTUARY_RETURN_IF_ERROR(writer.Append(batch));
  return writer.Finish();
}

}  // namespace estuary::cli
