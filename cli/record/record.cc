#include "cli/record/record.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/data/importer.h"
#include "cli/data/recorded_file.h"
#include "cli/data/schemas.h"
#include "common/client/replay_shards.h"
#include "common/experiment/experiment.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

constexpr absl::Duration kToStart = absl::Seconds(30);
constexpr absl::Duration kToSettle = absl::Seconds(30);
constexpr absl::Duration kCountEvery = absl::Seconds(1);
// Between two tries to arm or to take over.
constexpr absl::Duration kTakeOverEvery = absl::Milliseconds(300);
constexpr absl::Duration kForShards = absl::Seconds(5);

bool MotorsOff(v1::RobotState state) {
  return state == v1::ROBOT_STATE_DISARMED || state == v1::ROBOT_STATE_ESTOP;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Record>> Record::Start(RecordOptions options) {
  ESTUARY_ASSIGN_OR_RETURN(std::unique_ptr<Hand> hand, MakeHand(options.hand, options.task));
  std::unique_ptr<RobotCluster> cluster;
  if (options.bridge.empty()) {
    ESTUARY_ASSIGN_OR_RETURN(
        cluster,
        RobotCluster::Start({.task = options.task,
                             .bridge_flags = {},
                             .robot_flags = {"--release=operator", "--limit_area=false",
                                             absl::StrCat("--seconds=", options.episode_seconds),
                                             absl::StrCat("--seed=", options.hand.seed),
                                             "--episodes=1000000000"}}));
  } else {
    ESTUARY_ASSIGN_OR_RETURN(const transition::Schema schema,
                             RealTableSchema(options.shards, kForShards));
    ESTUARY_RETURN_IF_ERROR(schema.CheckStandardEqual(
        RobotSchema(options.task),
        absl::StrCat("table real of ", options.shards[0], " and --task=", options.task.name)));
  }
  std::unique_ptr<Record> record(
      new Record(std::move(options), std::move(cluster), std::move(hand)));
  return record;
}

Record::Record(RecordOptions options, std::unique_ptr<RobotCluster> cluster,
               std::unique_ptr<Hand> hand)
    : options_(std::move(options)),
      cluster_(std::move(cluster)),
      shards_(own() ? std::vector<std::string>{cluster_->shard()} : options_.shards),
      bridge_(own() ? cluster_->bridge() : options_.bridge),
      operator_(bridge_),
      phase_since_(absl::Now()),
      hand_(std::move(hand)) {}

Record::~Record() { Stop(); }

std::optional<v1::OperatorAction> Record::Answer(const v1::OperatorView& view) {
  if (view.observation_size() != options_.task.observation_dim ||
      !std::all_of(view.observation().begin(), view.observation().end(),
                   [](float value) { return std::isfinite(value); })) {
    return std::nullopt;
  }
  const std::lock_guard lock(mutex_);
  if (view.link() == link_ && view.observation_sequence() == sequence_) return std::nullopt;
  sequence_ = view.observation_sequence();
  const bool anew = view.link() != link_ || view.episode_starts() != starts_ ||
                    view.episodes_terminated() != terminated_;
  link_ = view.link();
  starts_ = view.episode_starts();
  terminated_ = view.episodes_terminated();
  if (view.state() == v1::ROBOT_STATE_OPERATOR) ++episode_views_;
  // The emulated robot of our own ends its episodes itself, by putting itself into a new pose.
  const auto longest =
      static_cast<uint64_t>(std::llround(options_.episode_seconds / options_.task.control_period));
  const bool over = !own() && episode_views_ >= longest;
  if (over) ++episode_;
  if (anew || over) {
    episode_views_ = 0;
    hand_->StartEpisode();
  }
  v1::OperatorAction answer;
  answer.mutable_action()->Resize(options_.task.action_dim, 0);
  hand_->Act(
      {view.observation().data(), static_cast<size_t>(view.observation_size())},
      {answer.mutable_action()->mutable_data(), static_cast<size_t>(options_.task.action_dim)});
  for (float& value : *answer.mutable_action()) {
    value = std::isfinite(value) ? std::clamp(value, -1.0f, 1.0f) : 0;
  }
  answer.set_observation_sequence(view.observation_sequence());
  answer.set_episode(episode_);
  return answer;
}

absl::Status Record::Poll() {
  if (done()) return absl::OkStatus();
  absl::Status status = own() ? cluster_->Poll() : absl::OkStatus();
  if (status.ok() && steersman_ != nullptr) status = steersman_->status();
  if (status.ok()) {
    switch (phase_) {
      case Phase::kStarting:
        status = Begin();
        break;
      case Phase::kSteering:
        status = Steer();
        break;
      case Phase::kSettling:
        status = Settle();
        break;
      case Phase::kDone:
        break;
    }
  }
  if (!status.ok()) Stop();
  return status;
}

absl::Status Record::Begin() {
  doing_ = "waiting for the robot";
  const absl::StatusOr<v1::RobotStatus> answer = operator_.Status();
  if (!answer.ok() || !answer->robot_connected()) {
    if (absl::Now() - phase_since_ < kToStart) return absl::OkStatus();
    return absl::DeadlineExceededError(
        absl::StrCat("no robot is connected to the bridge at ", bridge_, " after ",
                     absl::FormatDuration(kToStart), "; ",
                     answer.ok() ? "start its client (estuary-robot, or your robot's)"
                                 : std::string(answer.status().message())));
  }
  steersman_ = std::make_unique<Steersman>(
      bridge_, hand_->name(), [this](const v1::OperatorView& view) { return Answer(view); });
  phase_ = Phase::kSteering;
  phase_since_ = absl::Now();
  return absl::OkStatus();
}

absl::Status Record::Steer() {
  ESTUARY_RETURN_IF_ERROR(HearWishes());
  const absl::StatusOr<v1::RobotStatus> answer = operator_.Status();
  if (answer.ok()) {
    status_ = *answer;
    ESTUARY_RETURN_IF_ERROR(TakeOver());
  } else if (own()) {
    return answer.status();
  } else {
    doing_ = absl::StrCat("waiting for the bridge at ", bridge_);
  }
  ESTUARY_RETURN_IF_ERROR(CountRows());
  if (rows_ < options_.transitions && !quit_) return absl::OkStatus();
  // A robot of flesh is not dropped: the fallback controller holds it.
  if (!own() && !MotorsOff(status_.state())) {
    ESTUARY_ASSIGN_OR_RETURN(status_, operator_.SetMode(v1::ROBOT_STATE_FALLBACK));
  }
  steersman_->Stop();
  phase_ = Phase::kSettling;
  phase_since_ = absl::Now();
  return absl::OkStatus();
}

absl::Status Record::HearWishes() {
  HandWishes wishes;
  {
    const std::lock_guard lock(mutex_);
    wishes = hand_->Wishes();
    if (wishes.new_episode) {
      ++episode_;
      episode_views_ = 0;
      hand_->StartEpisode();
    }
  }
  quit_ = quit_ || wishes.quit;
  if (wishes.stop) {
    ESTUARY_RETURN_IF_ERROR(operator_.EmergencyStop("the recording's operator").status());
  }
  // What refuses (outside the envelope, no observation) is said by the status that follows.
  if (wishes.arm) operator_.Arm().IgnoreError();
  return absl::OkStatus();
}

// Arms where that is ours to do, and hands the robot to whoever steers.
absl::Status Record::TakeOver() {
  const absl::Time now = absl::Now();
  const v1::RobotState state = status_.state();
  if (state == v1::ROBOT_STATE_OPERATOR) {
    doing_ = "steering";
    return absl::OkStatus();
  }
  doing_ = absl::StrCat("bridge in state ", StateName(state), ": ", status_.reason());
  if (now - took_over_ < kTakeOverEvery || steersman_ == nullptr || !steersman_->connected()) {
    return absl::OkStatus();
  }
  took_over_ = now;
  if (MotorsOff(state)) {
    if (!own() && !options_.rearm) {
      absl::StrAppend(&doing_, hand_->help().empty()
                                   ? "; put it upright and run `estuary robot arm`"
                                   : "; put it upright and arm it");
      return absl::OkStatus();
    }
    // Refused while the robot lies or says nothing; tried again.
    operator_.Arm().IgnoreError();
    return absl::OkStatus();
  }
  // Who chose the fallback or the policy wants it so.
  if (status_.reason_code() == "choose_fallback" || state == v1::ROBOT_STATE_POLICY) {
    return absl::OkStatus();
  }
  operator_.SetMode(v1::ROBOT_STATE_OPERATOR).IgnoreError();
  return absl::OkStatus();
}

absl::Status Record::CountRows() {
  const absl::Time now = absl::Now();
  if (now - counted_ < kCountEvery) return absl::OkStatus();
  counted_ = now;
  uint64_t rows = 0;
  for (const auto& answer : client::DescribeShards(shards_, kForShards)) {
    // A shard that is away is waited for; the bridge spools meanwhile.
    if (!answer.ok()) return absl::OkStatus();
    const v1::TableStatus* table = client::FindTable(*answer, experiment::kRealTable);
    if (table != nullptr) rows += table->rows();
  }
  rows_ = rows;
  return absl::OkStatus();
}

// Waits until everything that was recorded is in the shards.
absl::Status Record::Settle() {
  doing_ = "waiting for the last transitions";
  ESTUARY_ASSIGN_OR_RETURN(status_, operator_.Status());
  const bool late = absl::Now() - phase_since_ > kToSettle;
  if (own() && !cluster_->EndRobot() && !late) return absl::OkStatus();
  if (status_.transitions_acknowledged() >= status_.transitions_recorded() || !own()) {
    return Collect();
  }
  if (!late) return absl::OkStatus();
  return absl::DeadlineExceededError(absl::StrCat("of ", status_.transitions_recorded(),
                                                  " transitions the shard has only ",
                                                  status_.transitions_acknowledged()));
}

absl::Status Record::Collect() {
  ESTUARY_ASSIGN_OR_RETURN(const transition::Schema schema, RealTableSchema(shards_, kForShards));
  ESTUARY_ASSIGN_OR_RETURN(recorded_, ReadRealTable(shards_, schema, absl::Seconds(30)));
  if (recorded_.columns.size() == 0) {
    return absl::FailedPreconditionError("nothing was recorded, and nothing written");
  }
  KeepFirst(options_.transitions, recorded_);
  ESTUARY_RETURN_IF_ERROR(WriteRecordedFile(
      options_.output, recorded_,
      {.task = options_.task.name, .seed = options_.hand.seed, .generator = "record"}));
  phase_ = Phase::kDone;
  Stop();
  return absl::OkStatus();
}

void Record::Stop() {
  if (steersman_ != nullptr) steersman_->Stop();
  if (own()) cluster_->Stop();
}

}  // namespace estuary::cli
