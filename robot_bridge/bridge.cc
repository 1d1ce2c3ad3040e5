#include "robot_bridge/bridge.h"

#include <algorithm>
#include <future>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/process/log.h"
#include "common/process/process_context.h"
#include "common/process/server.h"
#include "common/process/status.h"
#include "robot_bridge/bridge_metric_families.h"
#include "robot_bridge/operator_desk.h"
#include "robot_bridge/operator_service.h"
#include "robot_bridge/policy_feed.h"
#include "robot_bridge/policy_source.h"
#include "robot_bridge/recorder.h"
#include "robot_bridge/shipper.h"
#include "robot_bridge/status_board.h"
#include "robot_bridge/steering.h"

namespace estuary::bridge {
namespace {

// How long a bridge that ends waits for the replay to take what is still in the spool.
constexpr absl::Duration kLastShipment = absl::Seconds(5);

// The driver's sender comes right below the loop, so that a command leaves before anything else
// runs; then whatever runs gRPC.
constexpr int kSenderBelowLoop = 1;
constexpr int kLinkBelowLoop = 20;

RealtimeOptions BelowLoop(const RealtimeOptions& loop, int by) {
  RealtimeOptions options = loop;
  if (loop.priority > 0) options.priority = std::max(1, loop.priority - by);
  // The loop alone has its core.
  options.cpu = -1;
  return options;
}

}  // namespace

class Bridge::Impl {
 public:
  Impl(const BridgeOptions& options, process::Metrics* metrics)
      : options_(options), metrics_(*metrics) {}
  ~Impl() { Stop(); }

  absl::Status Start() {
    ESTUARY_RETURN_IF_ERROR(LoadPolicyFile());
    LoopConfig config = options_.task.loop;
    if (!options_.replay.empty()) {
      ESTUARY_ASSIGN_OR_RETURN(spool_, Spool::Open(options_.spool, options_.task.Schema()));
      config.first_episode = spool_->next_episode();
    }
    RealtimeGrants grants;
    LockMemory(options_.realtime, grants);
    // What is refused here is refused to the loop, too, which says so.
    RealtimeGrants link_grants;
    MakeThisThreadRealtime(BelowLoop(options_.realtime, kLinkBelowLoop), link_grants);
    ESTUARY_ASSIGN_OR_RETURN(
        driver_, MakeDriver(options_.driver, options_.task.Identity(options_.robot), &wakeup_,
                            BelowLoop(options_.realtime, kSenderBelowLoop)));
    desk_ = std::make_unique<OperatorDesk>(&port_, &wakeup_);
    board_ = std::make_unique<StatusBoard>(options_.robot, options_.task, &telemetry_,
                                           driver_.get(), spool_.get());
    steering_ = std::make_unique<Steering>(Steering::Parts{.robot = options_.robot,
                                                           .loop = &options_.task.loop,
                                                           .input = &operator_input_,
                                                           .board = board_.get(),
                                                           .metrics = &metrics_});
    service_ = std::make_unique<OperatorService>(desk_.get(), steering_.get(), board_.get());
    ESTUARY_RETURN_IF_ERROR(StartLoop(config, grants));
    process::Server::Options server_options;
    server_options.addresses = options_.listen;
    std::vector<grpc::Service*> services = {service_.get()};
    if (driver_->service() != nullptr) services.push_back(driver_->service());
    ESTUARY_ASSIGN_OR_RETURN(server_, process::Server::Start(server_options, services));
    recorder_ = std::make_unique<Recorder>(Recorder::Parts{.robot = options_.robot,
                                                           .task = options_.task,
                                                           .telemetry = &telemetry_,
                                                           .spool = spool_.get(),
                                                           .driver = driver_.get(),
                                                           .board = board_.get(),
                                                           .flight_dir = options_.flight_dir,
                                                           .metrics = &metrics_});
    if (spool_ != nullptr) {
      shipper_ = std::make_unique<Shipper>(ShipperOptions{.shards = options_.replay,
                                                          .table = options_.table,
                                                          .writer_id = options_.robot + "/bridge",
                                                          .schema = options_.task.Schema()},
                                           spool_.get());
    }
    feed_ = std::make_unique<PolicyFeed>(options_.task, options_.robot, options_.learner, &slot_,
                                         board_.get(), &metrics_);
    spdlog::info("bridge for robot '{}', task {}, driver {}, at {}", options_.robot,
                 options_.task.name, driver_->kind(), absl::StrJoin(server_->addresses(), ", "));
    return absl::OkStatus();
  }

  void Stop() {
    if (std::exchange(stopped_, true)) return;
    if (loop_thread_.joinable()) {
      // The loop's last act is a command that turns the motors off; the sender gets a moment for
      // it.
      loop_stop_ = true;
      wakeup_.Signal();
      loop_thread_.join();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    if (desk_ != nullptr) desk_->Stop();
    if (steering_ != nullptr) steering_->Stop();
    if (driver_ != nullptr) driver_->Stop();
    if (server_ != nullptr) server_->Drain(absl::Seconds(1));
    if (feed_ != nullptr) feed_->Stop();
    if (recorder_ != nullptr) recorder_->Stop();
    if (shipper_ != nullptr) shipper_->Stop(kLastShipment);
  }

  const std::vector<std::string>& addresses() const { return server_->addresses(); }
  std::string robot_address() const {
    const std::string own = driver_->address();
    return own.empty() ? server_->addresses().front() : own;
  }
  uint64_t turns() const { return telemetry_.counters.turns.Get(); }
  bool realtime() const { return realtime_; }

 private:
  absl::Status LoadPolicyFile() {
    if (options_.policy_file.empty()) return absl::OkStatus();
    ESTUARY_ASSIGN_OR_RETURN(const v1::PolicyVersion version,
                             policy::ReadPolicyFile(options_.policy_file));
    absl::StatusOr<std::unique_ptr<ActionSource>> source = MakeActionSource(version, options_.task);
    if (!source.ok()) {
      return process::Annotate(source.status(), absl::StrCat("'", options_.policy_file, "'"));
    }
    process::SetRun(version.run_id());
    slot_.Offer(*std::move(source));
    return absl::OkStatus();
  }

  absl::Status StartLoop(const LoopConfig& config, RealtimeGrants& grants) {
    loop_ = std::make_unique<Loop>(config, Loop::Parts{.robot = driver_.get(),
                                                       .wakeup = &wakeup_,
                                                       .policies = &slot_,
                                                       .port = &port_,
                                                       .operator_input = &operator_input_,
                                                       .telemetry = &telemetry_});
    std::promise<void> granted;
    loop_thread_ = std::thread([this, &granted, &grants] {
      MakeThisThreadRealtime(options_.realtime, grants);
      granted.set_value();
      loop_->Run(loop_stop_);
    });
    granted.get_future().wait();
    metrics_.Gauge(Family("estuary_bridge_realtime_refusals"), {{"robot", options_.robot}})
        .Set(static_cast<double>(grants.refused.size()));
    realtime_ = grants.refused.empty();
    if (options_.require_realtime && !grants.refused.empty()) {
      return absl::FailedPreconditionError(
          absl::StrCat("--require_realtime: ", absl::StrJoin(grants.refused, "; ")));
    }
    for (const std::string& refused : grants.refused) spdlog::warn("not real-time: {}", refused);
    return absl::OkStatus();
  }

  const BridgeOptions options_;
  process::Metrics& metrics_;
  bool stopped_ = false;
  bool realtime_ = false;

  PolicySlot slot_;
  Wakeup wakeup_;
  OperatorPort port_;
  Mailbox<OperatorInput> operator_input_;
  LoopTelemetry telemetry_;
  std::unique_ptr<Spool> spool_;
  std::unique_ptr<Driver> driver_;
  std::unique_ptr<StatusBoard> board_;
  std::unique_ptr<OperatorDesk> desk_;
  std::unique_ptr<Steering> steering_;
  std::unique_ptr<OperatorService> service_;
  std::unique_ptr<Loop> loop_;
  std::atomic<bool> loop_stop_{false};
  std::thread loop_thread_;
  std::unique_ptr<process::Server> server_;
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<Shipper> shipper_;
  std::unique_ptr<PolicyFeed> feed_;
};

absl::StatusOr<std::unique_ptr<Bridge>> Bridge::Start(const BridgeOptions& options,
                                                      process::Metrics* metrics) {
  auto impl = std::make_unique<Impl>(options, metrics);
  ESTUARY_RETURN_IF_ERROR(impl->Start());
  return std::unique_ptr<Bridge>(new Bridge(std::move(impl)));
}

Bridge::Bridge(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Bridge::~Bridge() = default;
void Bridge::Stop() { impl_->Stop(); }
const std::vector<std::string>& Bridge::addresses() const { return impl_->addresses(); }
std::string Bridge::robot_address() const { return impl_->robot_address(); }
uint64_t Bridge::turns() const { return impl_->turns(); }
bool Bridge::realtime() const { return impl_->realtime(); }

}  // namespace estuary::bridge
