#include "learner/service/training_data.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/experiment/experiment.h"
#include "common/process/log.h"
#include "common/process/shutdown.h"
#include "common/process/status.h"
#include "learner/service/config_from_experiment.h"

namespace estuary::learner {
namespace {

constexpr absl::Duration kLook = absl::Milliseconds(100);

std::vector<uint64_t> Rows(const std::vector<ShardHolding>& holdings) {
  std::vector<uint64_t> rows;
  for (const ShardHolding& holding : holdings) rows.push_back(holding.rows);
  return rows;
}

uint64_t TotalRows(const std::vector<ShardPosition>& positions) {
  return std::accumulate(positions.begin(), positions.end(), uint64_t{0},
                         [](uint64_t sum, const ShardPosition& p) { return sum + p.rows; });
}

}  // namespace

absl::StatusOr<std::unique_ptr<TrainingData>> TrainingData::Open(const Options& options,
                                                                 RunState* state) {
  const v1::Experiment& experiment = *options.experiment;
  std::vector<std::string> tables;
  if (experiment::UsesRealData(experiment)) tables.push_back(experiment::kRealTable);
  if (experiment::UsesSimulation(experiment)) tables.push_back(experiment::kSimTable);
  ESTUARY_ASSIGN_OR_RETURN(const std::vector<v1::DescribeResponse> answers,
                           AskShards(options.shards, options.patience));
  ESTUARY_ASSIGN_OR_RETURN(transition::Schema schema,
                           CommonSchema(options.shards, answers, tables, experiment.task()));
  ESTUARY_RETURN_IF_ERROR(options.check(schema.observation_dim(), schema.action_dim()));
  auto data = std::unique_ptr<TrainingData>(new TrainingData(options, std::move(schema)));
  ESTUARY_RETURN_IF_ERROR(data->Plan());
  if (experiment::UsesRealData(experiment)) ESTUARY_RETURN_IF_ERROR(data->OpenReal(state));
  if (experiment::UsesSimulation(experiment)) ESTUARY_RETURN_IF_ERROR(data->OpenSim(state));
  return data;
}

absl::Status TrainingData::Plan() {
  const v1::Experiment& experiment = *options_.experiment;
  const Device device = DeviceFromExperiment(experiment);
  plan_ =
      PlanReplays(experiment, schema_.observation_dim(), schema_.action_dim(), FreeMemory(device));
  if (plan_.real_on_device && plan_.sim_on_device) return absl::OkStatus();
  const std::string what = absl::StrCat(
      "the transitions take ", plan_.real_bytes, " (real) and ", plan_.sim_bytes,
      " (simulated) bytes of the device, replay.device_budget_bytes allows ", plan_.budget_bytes);
  if (experiment.deterministic()) {
    return absl::FailedPreconditionError(absl::StrCat(
        what,
        "; a deterministic run needs both tables on the device: allow for more, or lower "
        "replay.sim_capacity"));
  }
  spdlog::warn("{}; the shards sample table{}", what,
               plan_.real_on_device  ? " 'sim'"
               : plan_.sim_on_device ? " 'real'"
                                     : "s 'real' and 'sim'");
  return absl::OkStatus();
}

absl::Status TrainingData::SampleReal(const std::vector<ShardPosition>& positions,
                                      const std::vector<ShardHolding>& holdings) {
  const v1::Experiment& experiment = *options_.experiment;
  ESTUARY_ASSIGN_OR_RETURN(
      const LearnerConfig config,
      ConfigFromExperiment(experiment, schema_.observation_dim(), schema_.action_dim()));
  std::vector<ShardPosition> counted = positions;
  for (size_t i = 0; i < counted.size(); ++i) {
    counted[i].rows = holdings[i].rows;
    counted[i].cursor = holdings[i].next_cursor;
  }
  ESTUARY_ASSIGN_OR_RETURN(
      real_samples_,
      SampledFeed::Start({.shards = options_.shards,
                          .table = experiment::kRealTable,
                          .schema = schema_,
                          .device = DeviceFromExperiment(experiment),
                          .rows_per_step = static_cast<uint64_t>(config.RealRowsDrawn()),
                          .seed = experiment.seed(),
                          .positions = counted}));
  // Normalisation and the noise on next states want D's moments: it is read through once.
  MomentsSum moments(schema_.observation_dim());
  ReplayFeed feed({options_.shards, experiment::kRealTable, schema_, nullptr, &moments});
  ESTUARY_RETURN_IF_ERROR(feed.Load(positions, Rows(holdings), options_.say));
  ESTUARY_ASSIGN_OR_RETURN(const ReplayMoments taken, moments.Moments());
  real_samples_->replay()->SetMoments(taken);
  return absl::OkStatus();
}

absl::Status TrainingData::SampleSim(const RunState* state,
                                     const std::vector<ShardHolding>& holdings) {
  const v1::Experiment& experiment = *options_.experiment;
  ESTUARY_ASSIGN_OR_RETURN(
      const LearnerConfig config,
      ConfigFromExperiment(experiment, schema_.observation_dim(), schema_.action_dim()));
  std::vector<ShardPosition> positions;
  if (state != nullptr) {
    // What a restarted shard lost is not told from what it holds; the pace goes on where it was.
    positions = CountOn(state->sim, holdings);
  } else {
    if (const uint64_t old = TotalRows(holdings); old > 0) {
      return absl::FailedPreconditionError(
          absl::StrCat("table 'sim' holds ", old,
                       " rows of another run, which the shards' samples would include: use fresh "
                       "replay shards, or raise replay.device_budget_bytes"));
    }
    for (const ShardHolding& holding : holdings) {
      positions.push_back({holding.shard_id, holding.next_cursor, holding.next_cursor, 0});
    }
  }
  ESTUARY_ASSIGN_OR_RETURN(
      sim_samples_,
      SampledFeed::Start({.shards = options_.shards,
                          .table = experiment::kSimTable,
                          .schema = schema_,
                          .device = DeviceFromExperiment(experiment),
                          .rows_per_step = static_cast<uint64_t>(config.SimRowsDrawn()),
                          .seed = experiment.seed() + 1,
                          .positions = positions}));
  return absl::OkStatus();
}

uint64_t TrainingData::real_rows() const {
  if (real_samples_ != nullptr) return real_samples_->inserted();
  return real_ != nullptr ? static_cast<uint64_t>(real_->size()) : 0;
}

uint64_t TrainingData::sim_rows() const {
  if (sim_samples_ != nullptr) {
    return std::min(sim_samples_->inserted(), options_.experiment->replay().sim_capacity());
  }
  return sim_ != nullptr ? static_cast<uint64_t>(sim_->size()) : 0;
}

absl::StatusOr<std::unique_ptr<DeviceReplay>> TrainingData::MakeReplay(const std::string& table,
                                                                       uint64_t capacity,
                                                                       Overflow overflow) {
  ReplayOptions replay;
  replay.name = table;
  replay.observation_dim = schema_.observation_dim();
  replay.action_dim = schema_.action_dim();
  replay.capacity = static_cast<int64_t>(capacity);
  replay.overflow = overflow;
  replay.device = DeviceFromExperiment(*options_.experiment);
  return DeviceReplay::Create(replay);
}

absl::StatusOr<std::vector<ShardHolding>> TrainingData::WaitForRealRows() {
  const uint64_t wanted = options_.experiment->dataset().transitions();
  const absl::Time start = absl::Now();
  absl::Time next_word = start + absl::Seconds(5);
  while (true) {
    ESTUARY_ASSIGN_OR_RETURN(const auto answers, AskShards(options_.shards, options_.patience));
    std::vector<ShardHolding> holdings = Holdings(answers, experiment::kRealTable);
    const uint64_t rows = TotalRows(holdings);
    if (rows >= wanted) {
      if (rows > wanted && options_.experiment->deterministic()) {
        return absl::FailedPreconditionError(absl::StrCat(
            "table 'real' holds ", rows, " rows, the experiment's dataset has ", wanted,
            "; a deterministic run needs exactly its dataset: use a fresh --data_dir for the "
            "shards"));
      }
      return holdings;
    }
    if (absl::Now() >= next_word) {
      options_.say(
          absl::StrCat("table 'real' holds ", rows, " of ", wanted,
                       " transitions; waiting for the import since ",
                       absl::FormatDuration(absl::Trunc(absl::Now() - start, absl::Seconds(1)))));
      next_word = absl::Now() + absl::Seconds(5);
    }
    if (process::SleepOrShutdown(kLook)) {
      return absl::CancelledError("stopped while waiting for real data");
    }
  }
}

absl::StatusOr<std::vector<ShardPosition>> TrainingData::ResumedPositions(
    const std::string& table, const std::vector<ShardPosition>& saved,
    const std::vector<ShardHolding>& holdings) const {
  if (saved.size() != holdings.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the checkpoint is of a run with ", saved.size(), " replay shards, --replay ",
                     "names ", holdings.size(), "; resume with the shards it began with"));
  }
  std::vector<ShardPosition> positions = saved;
  for (size_t i = 0; i < saved.size(); ++i) {
    if (saved[i].shard_id == holdings[i].shard_id) continue;
    const std::string what =
        absl::StrCat("table '", table, "' of the shard at ", options_.shards[i], " is the log '",
                     holdings[i].shard_id, "', the checkpoint's was '", saved[i].shard_id, "'");
    if (options_.experiment->deterministic()) {
      return absl::FailedPreconditionError(absl::StrCat(
          what, "; a deterministic run goes on only with the shards' data it began with"));
    }
    spdlog::warn("{}; taking what is there", what);
    positions[i] = {holdings[i].shard_id, 0, holdings[i].next_cursor, 0};
  }
  return positions;
}

absl::Status TrainingData::OpenReal(const RunState* state) {
  const v1::Experiment& experiment = *options_.experiment;
  if (experiment.dataset().transitions() == 0) {
    return absl::InvalidArgumentError(
        "dataset.transitions is not set, so the learner cannot know when table 'real' is complete; "
        "set it to the transitions of the dataset's file (`estuary train` does)");
  }
  ESTUARY_ASSIGN_OR_RETURN(const std::vector<ShardHolding> holdings, WaitForRealRows());
  std::vector<ShardPosition> positions;
  if (state != nullptr) {
    ESTUARY_ASSIGN_OR_RETURN(positions,
                             ResumedPositions(experiment::kRealTable, state->real, holdings));
  } else {
    for (const ShardHolding& holding : holdings) {
      positions.push_back({holding.shard_id, 0, holding.next_cursor, 0});
    }
  }
  if (!plan_.real_on_device) return SampleReal(positions, holdings);
  ESTUARY_ASSIGN_OR_RETURN(real_, MakeReplay(experiment::kRealTable,
                                             std::max(experiment.replay().real_capacity(),
                                                      experiment.dataset().transitions()),
                                             Overflow::kRefuse));
  real_feed_ = std::make_unique<ReplayFeed>(
      ReplayFeed::Options{options_.shards, experiment::kRealTable, schema_, real_.get()});
  ESTUARY_RETURN_IF_ERROR(real_feed_->Load(positions, Rows(holdings), options_.say));
  const uint64_t loaded = TotalRows(real_feed_->positions());
  const uint64_t due = state != nullptr && experiment.deterministic()
                           ? TotalRows(state->real)
                           : experiment.dataset().transitions();
  if (loaded < due) {
    return absl::DataLossError(absl::StrCat("the shards gave ", loaded, " rows of table 'real', ",
                                            due, " were expected; import the dataset again"));
  }
  spdlog::info("{} real transitions are here", loaded);
  return absl::OkStatus();
}

absl::Status TrainingData::OpenSim(RunState* state) {
  const v1::Experiment& experiment = *options_.experiment;
  const uint64_t capacity = experiment.replay().sim_capacity();
  ESTUARY_ASSIGN_OR_RETURN(const auto answers, AskShards(options_.shards, options_.patience));
  const std::vector<ShardHolding> holdings = Holdings(answers, experiment::kSimTable);
  for (const ShardHolding& holding : holdings) sampled_.push_back(holding.sampled);
  if (!plan_.sim_on_device) return SampleSim(state, holdings);
  ESTUARY_ASSIGN_OR_RETURN(sim_,
                           MakeReplay(experiment::kSimTable, capacity, Overflow::kEvictOldest));
  sim_feed_ = std::make_unique<ReplayFeed>(
      ReplayFeed::Options{options_.shards, experiment::kSimTable, schema_, sim_.get()});
  if (state == nullptr) {
    const uint64_t old = TotalRows(holdings);
    if (old > 0 && experiment.deterministic()) {
      return absl::FailedPreconditionError(
          absl::StrCat("table 'sim' holds ", old,
                       " rows of another run; a deterministic run begins with an "
                       "empty one: use fresh replay shards"));
    }
    if (old > 0) spdlog::warn("table 'sim' holds {} rows of another run; not using them", old);
    std::vector<ShardPosition> positions;
    for (const ShardHolding& holding : holdings) {
      positions.push_back({holding.shard_id, holding.next_cursor, holding.next_cursor, 0});
    }
    return sim_feed_->Load(positions, Rows(holdings), options_.say);
  }
  ESTUARY_ASSIGN_OR_RETURN(const std::vector<ShardPosition> positions,
                           ResumedPositions(experiment::kSimTable, state->sim, holdings));
  ESTUARY_RETURN_IF_ERROR(sim_feed_->Load(positions, Rows(holdings), options_.say));
  const uint64_t due = std::min(state->environment_steps, capacity);
  const uint64_t here = static_cast<uint64_t>(sim_->size());
  if (here >= due) return absl::OkStatus();
  if (experiment.deterministic()) {
    return absl::DataLossError(
        absl::StrCat("the shards gave ", here, " rows of table 'sim', the checkpoint had ", due,
                     "; a deterministic run cannot go on without them: train anew under another "
                     "name"));
  }
  spdlog::warn("{} simulated rows of the checkpoint are gone from the shards and are made again",
               due - here);
  state->environment_steps -= due - here;
  return absl::OkStatus();
}

}  // namespace estuary::learner
