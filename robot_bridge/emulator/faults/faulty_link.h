// A robot's link that fails on cue: what goes through it is dropped, late, twice, out of order, not
// a number, stuck, or stands still, as a FaultPlan says. Bits that turn over are FaultyWire's,
// where there is a wire; here an observation then has one number too many.
//
// Observations that are late leave with a later period's; commands that are late get their later
// time of arrival exactly.
//
// Threads: the control thread alone, as RobotLink.
#pragma once

#include <deque>
#include <memory>

#include "robot_bridge/client/robot_link.h"
#include "robot_bridge/emulator/faults/fault_plan.h"

namespace estuary::bridge {

class FaultyLink : public RobotLink {
 public:
  // `plan` outlives the link. `corrupts`: nothing below does.
  FaultyLink(std::unique_ptr<RobotLink> link, FaultPlan* plan, bool corrupts);

  void SendObservation(const Observation& observation) override;
  bool NextCommand(ReceivedCommand& command) override;
  bool connected() const override { return link_->connected(); }
  std::string refused() const override { return link_->refused(); }
  void Stop() override { link_->Stop(); }

 private:
  struct Waiting {
    int64_t due_ns = 0;
    Observation observation;
  };

  void SendDue(int64_t now);
  // Faults of what it says, not of how it gets there.
  void Spoil(Observation& observation, int64_t now);
  void TakeCommands();
  void Keep(const ReceivedCommand& command);

  const std::unique_ptr<RobotLink> link_;
  FaultPlan& plan_;
  const bool corrupts_;
  int64_t frozen_until_ns_ = 0;
  int64_t stuck_until_ns_ = 0;
  ObservationArray stuck_{};
  std::deque<Waiting> late_;
  // Goes after the next one.
  Observation overtaken_;
  bool has_overtaken_ = false;
  // By arrival.
  std::deque<ReceivedCommand> commands_;
  ReceivedCommand overtaken_command_;
  bool has_overtaken_command_ = false;
};

}  // namespace estuary::bridge
