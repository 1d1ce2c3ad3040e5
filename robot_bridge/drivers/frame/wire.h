// What carries frames: a datagram socket or a serial line. Both ends of a link use it, so it needs
// nothing but the C++ library and Linux.
//
// Threads: one receives, any send.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace estuary::bridge {

// Who sent a datagram: a socket address. Empty where there is but one peer.
struct Peer {
  std::array<uint8_t, 28> address{};
  uint32_t size = 0;

  bool operator==(const Peer&) const = default;
};

class Wire {
 public:
  // For the log: a line that went away and came back.
  using Word = std::function<void(const std::string&)>;

  virtual ~Wire() = default;

  // Bytes as they come, frames to be found in them; else each Receive gives one datagram.
  virtual bool stream() const = 0;

  // Waits for bytes until `deadline` (of Now()) at most; how many came, 0: none. No more than
  // ESTUARY_FRAME_MOST: a longer datagram is cut, which its checksum shows.
  virtual size_t Receive(int64_t deadline, uint8_t* bytes, size_t room, Peer& from) = 0;

  // Never waits long for a slow peer: what cannot go now is lost.
  virtual void Send(const uint8_t* bytes, size_t size, const Peer& to) = 0;

  // Any thread, once: Receive returns at once from now on.
  virtual void Interrupt() = 0;

  // For people: "192.168.1.7:5202".
  virtual std::string Describe(const Peer& peer) const = 0;
};

}  // namespace estuary::bridge
