// A gamepad or joystick as Linux gives it: the joystick interface /dev/input/js*, whose events are
// eight bytes each, or an event device /dev/input/event*.
//
// Left stick: axes 0 (sideways) and 1 (forward, which devices count downwards). Buttons, on a
// common gamepad: A arms, B stops the motors, X begins a new episode, Start ends.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/steer/stick.h"

namespace estuary::cli {

// What a device sends, taken apart. Pure, so that it can be tested.
class GamepadReader {
 public:
  // `joystick`: js events; else events of an event device, whose axes go from `low` to `high`.
  explicit GamepadReader(bool joystick, int low = -32767, int high = 32767)
      : joystick_(joystick), low_(low), high_(high) {}

  // Any bytes, whole events or parts of them.
  void Take(absl::string_view bytes);
  // The state now; each wish is given once.
  StickState State();

 private:
  void TakeJoystick(const char* event);
  void TakeEvent(const char* event);
  void Axis(int number, double value);
  void Button(int number);

  const bool joystick_;
  const int low_;
  const int high_;
  std::string pending_;
  StickState state_;
};

class Gamepad final : public Stick {
 public:
  // An empty path takes the first joystick there is. NOT_FOUND: there is none.
  static absl::StatusOr<std::unique_ptr<Stick>> Open(const std::string& path);
  ~Gamepad() override;

  StickState Read() override;
  std::string name() const override { return name_; }
  std::string help() const override {
    return "the left stick steers, A arms, B stops the motors, X begins a new episode, Start ends";
  }

 private:
  Gamepad(int fd, std::string name, GamepadReader reader)
      : fd_(fd), name_(std::move(name)), reader_(std::move(reader)) {}

  const int fd_;
  const std::string name_;
  GamepadReader reader_;
  bool gone_ = false;
};

}  // namespace estuary::cli
