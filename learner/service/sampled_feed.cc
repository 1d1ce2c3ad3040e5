#include "learner/service/sampled_feed.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/process/status.h"
#include "learner/service/block_columns.h"

namespace estuary::learner {
namespace {

// Steps that the supply lasts, and rows of a batch asked for.
constexpr uint64_t kSupplySteps = 64;
constexpr uint64_t kLeastBatch = 64;
constexpr uint64_t kMostBatch = 4096;

uint64_t BatchRows(uint64_t rows_per_step) {
  return std::clamp(rows_per_step, kLeastBatch, kMostBatch);
}

}  // namespace

SampledFeed::SampledFeed(const Options& options, std::unique_ptr<DeviceReplay> replay,
                         std::unique_ptr<client::ReplaySampler> sampler)
    : options_(options),
      replay_(std::move(replay)),
      sampler_(std::move(sampler)),
      watch_(options.shards, options.table, options.positions) {}

absl::StatusOr<std::unique_ptr<SampledFeed>> SampledFeed::Start(const Options& options) {
  const uint64_t batch = BatchRows(options.rows_per_step);
  ReplayOptions replay_options;
  replay_options.name = options.table;
  replay_options.observation_dim = options.schema.observation_dim();
  replay_options.action_dim = options.schema.action_dim();
  replay_options.capacity = static_cast<int64_t>(kSupplySteps * options.rows_per_step + batch);
  replay_options.device = options.device;
  replay_options.in_order = true;
  ESTUARY_ASSIGN_OR_RETURN(auto replay, DeviceReplay::Create(replay_options));
  ESTUARY_ASSIGN_OR_RETURN(auto sampler,
                           client::ReplaySampler::Start({.shards = options.shards,
                                                         .table = options.table,
                                                         .schema = options.schema,
                                                         .batch_size = static_cast<uint32_t>(batch),
                                                         .seed = options.seed}));
  return std::unique_ptr<SampledFeed>(
      new SampledFeed(options, std::move(replay), std::move(sampler)));
}

absl::Status SampledFeed::TopUp() {
  const auto batch = static_cast<int64_t>(BatchRows(options_.rows_per_step));
  while (replay_->size() + batch <= replay_->options().capacity) {
    const absl::Status next = sampler_->Next(batch_, absl::ZeroDuration());
    if (absl::IsDeadlineExceeded(next)) return absl::OkStatus();
    ESTUARY_RETURN_IF_ERROR(next);
    const absl::Status appended = replay_->Append(
        BlockColumns(options_.schema, batch_.block, 0, batch_.block.rows(), &terminal_));
    if (!appended.ok()) {
      return process::Annotate(appended, absl::StrCat("samples of table '", options_.table, "'"));
    }
  }
  return absl::OkStatus();
}

}  // namespace estuary::learner
