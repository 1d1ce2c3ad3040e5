// A wire on which bits turn over, in both directions, as a FaultPlan says.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "robot_bridge/drivers/frame/estuary_frame.h"
#include "robot_bridge/drivers/frame/wire.h"
#include "robot_bridge/emulator/faults/fault_plan.h"

namespace estuary::bridge {

class FaultyWire : public Wire {
 public:
  // `plan` outlives the wire.
  FaultyWire(std::unique_ptr<Wire> wire, FaultPlan* plan) : wire_(std::move(wire)), plan_(*plan) {}

  bool stream() const override { return wire_->stream(); }

  size_t Receive(int64_t deadline, uint8_t* bytes, size_t room, Peer& from) override {
    const size_t size = wire_->Receive(deadline, bytes, room, from);
    if (size > 0 && plan_.Happens(v1::FAULT_KIND_CORRUPT)) Turn(bytes, size);
    return size;
  }

  void Send(const uint8_t* bytes, size_t size, const Peer& to) override {
    if (size == 0 || !plan_.Happens(v1::FAULT_KIND_CORRUPT)) {
      wire_->Send(bytes, size, to);
      return;
    }
    uint8_t spoilt[ESTUARY_FRAME_MOST];
    size = std::min(size, sizeof(spoilt));
    std::memcpy(spoilt, bytes, size);
    Turn(spoilt, size);
    wire_->Send(spoilt, size, to);
  }

  void Interrupt() override { wire_->Interrupt(); }
  std::string Describe(const Peer& peer) const override { return wire_->Describe(peer); }

 private:
  // One to three bits.
  void Turn(uint8_t* bytes, size_t size) {
    for (uint64_t left = 1 + plan_.Draw(3); left > 0; --left) {
      const uint64_t bit = plan_.Draw(8 * size);
      bytes[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    }
  }

  const std::unique_ptr<Wire> wire_;
  FaultPlan& plan_;
};

}  // namespace estuary::bridge
