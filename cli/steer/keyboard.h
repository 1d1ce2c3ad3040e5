// The arrow keys of a terminal as a stick. A terminal says that a key is down only by repeating it,
// so a key holds for as long as its repetition may take and is let go of then.
#pragma once

#include <termios.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/steer/stick.h"

namespace estuary::cli {

// What a terminal sends while keys are pressed, taken apart. Pure, so that it can be tested.
class KeyReader {
 public:
  // Bytes that came at `now_ns`, of a clock that only goes forward.
  void Take(absl::string_view bytes, int64_t now_ns);
  // The state then; each wish is given once.
  StickState State(int64_t now_ns);

 private:
  struct Axis {
    double direction = 0;
    int64_t until_ns = 0;
    int64_t pressed_ns = 0;
  };

  static void Press(Axis& axis, double direction, int64_t now_ns);
  static double Value(const Axis& axis, int64_t now_ns);
  void Letter(char letter);

  Axis sideways_;
  Axis forward_;
  HandWishes wishes_;
  // The first bytes of an escape sequence that is not whole yet.
  std::string escape_;
};

class Keyboard final : public Stick {
 public:
  // NOT_FOUND where standard input is no terminal.
  static absl::StatusOr<std::unique_ptr<Stick>> Open();
  // Puts the terminal back as it was.
  ~Keyboard() override;

  StickState Read() override;
  std::string name() const override { return "keyboard"; }
  std::string help() const override {
    return "arrow keys steer, r arms, n begins a new episode, space stops the motors, q ends";
  }

 private:
  explicit Keyboard(const termios& before) : before_(before) {}

  const termios before_;
  KeyReader reader_;
  bool ended_ = false;
};

}  // namespace estuary::cli
