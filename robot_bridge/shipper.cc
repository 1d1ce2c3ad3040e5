#include "robot_bridge/shipper.h"

#include <atomic>
#include <thread>
#include <utility>

#include "absl/time/clock.h"
#include "common/client/replay_writer.h"
#include "common/process/log.h"
#include "common/process/status.h"
#include "common/transition/block.h"
#include "robot_bridge/loop/clock.h"
#include "robot_bridge/stop_signal.h"

namespace estuary::bridge {
namespace {

constexpr absl::Duration kRound = absl::Milliseconds(20);
constexpr uint64_t kRowsAtOnce = 512;

}  // namespace

class Shipper::Impl {
 public:
  Impl(const ShipperOptions& options, Spool* spool)
      : options_(options), spool_(*spool), rows_(options.schema) {
    thread_ = std::thread([this] { Work(); });
  }
  ~Impl() { Stop(absl::ZeroDuration()); }

  void Stop(absl::Duration patience) {
    if (stop_.requested()) return;
    last_moment_ns_ = Now() + absl::ToInt64Nanoseconds(patience);
    if (!stop_.Request()) return;
    thread_.join();
    const uint64_t left = spool_.next() - spool_.acknowledged();
    if (left > 0) {
      spdlog::warn(
          "{} transitions stay in the spool for the next start: the replay has not "
          "acknowledged them",
          left);
    }
  }

 private:
  void Work() {
    while (!Over()) {
      const absl::Status status = Ship();
      writer_.reset();
      if (status.ok()) return;
      spdlog::error("real transitions wait in the spool: {}", std::string(status.message()));
      stop_.WaitFor(absl::ToInt64Nanoseconds(options_.retry_after));
    }
  }

  // Until the end, or an error that a new writer may heal later.
  absl::Status Ship() {
    ESTUARY_RETURN_IF_ERROR(Connect());
    if (writer_ == nullptr) return absl::OkStatus();
    const uint64_t origin = *spool_.origin();
    uint64_t sent = spool_.first();
    for (;;) {
      ESTUARY_RETURN_IF_ERROR(writer_->status());
      const uint64_t acknowledged = writer_->stats().acknowledged_sequence;
      if (acknowledged > origin) ESTUARY_RETURN_IF_ERROR(spool_.Acknowledge(acknowledged - origin));
      if (rows_.rows() == 0) {
        ESTUARY_ASSIGN_OR_RETURN(const uint64_t count, spool_.Read(sent, kRowsAtOnce, rows_));
        sent += count;
      }
      if (rows_.rows() > 0) {
        ESTUARY_ASSIGN_OR_RETURN(const bool taken, writer_->TryAppend(rows_));
        if (taken) continue;
      } else if (stop_.requested() && spool_.acknowledged() == spool_.synced()) {
        return absl::OkStatus();
      }
      if (Over()) return absl::OkStatus();
      absl::SleepFor(kRound);
    }
  }

  // Leaves a connected writer that expects the spool's oldest row, or none where it is time to end.
  absl::Status Connect() {
    rows_.Clear();
    const std::optional<uint64_t> origin = spool_.origin();
    client::ReplayWriterOptions options{.shards = options_.shards,
                                        .table = options_.table,
                                        .writer_id = options_.writer_id,
                                        .schema = options_.schema,
                                        .shard = std::nullopt,
                                        .first_sequence = std::nullopt};
    if (origin.has_value()) options.first_sequence = *origin + spool_.first();
    ESTUARY_ASSIGN_OR_RETURN(writer_, client::ReplayWriter::Start(std::move(options)));
    absl::StatusOr<uint64_t> next = absl::DeadlineExceededError("");
    while (!next.ok()) {
      if (Over()) {
        writer_.reset();
        return absl::OkStatus();
      }
      next = writer_->WaitUntilConnected(absl::Milliseconds(500));
      if (next.ok()) break;
      if (next.status().code() != absl::StatusCode::kDeadlineExceeded) return next.status();
      if (last_word_ns_ == 0 || Now() - last_word_ns_ >= 30 * kSecond) {
        last_word_ns_ = Now();
        spdlog::info("real transitions go to the spool while the replay is away: {}",
                     std::string(next.status().message()));
      }
    }
    if (!origin.has_value()) {
      spdlog::info("writer '{}' begins at {} of table '{}'", options_.writer_id, *next,
                   options_.table);
      return spool_.SetOrigin(*next - spool_.first());
    }
    if (*next <= *origin + spool_.next()) return absl::OkStatus();
    // The table has rows under numbers that this spool has not given out yet: rows that a damaged
    // disk took from the spool after they were sent. New rows get numbers behind them.
    spdlog::warn("table '{}' holds {} rows that the spool has lost; nothing is sent twice",
                 options_.table, *next - *origin - spool_.next());
    ESTUARY_RETURN_IF_ERROR(spool_.SetOrigin(*next - spool_.next()));
    return absl::AbortedError("the numbering was moved on; connecting again");
  }

  bool Over() const { return stop_.requested() && Now() >= last_moment_ns_; }

  const ShipperOptions options_;
  Spool& spool_;
  transition::BlockBuilder rows_;
  std::unique_ptr<client::ReplayWriter> writer_;
  int64_t last_word_ns_ = 0;

  std::atomic<int64_t> last_moment_ns_{0};
  StopSignal stop_;
  std::thread thread_;
};

Shipper::Shipper(const ShipperOptions& options, Spool* spool)
    : impl_(std::make_unique<Impl>(options, spool)) {}
Shipper::~Shipper() = default;
void Shipper::Stop(absl::Duration patience) { impl_->Stop(patience); }

}  // namespace estuary::bridge
