#include "cli/steer/gamepad.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/input.h>
#include <linux/joystick.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

// A stick that nobody touches is not quite in the middle.
constexpr double kDeadZone = 0.08;
constexpr int kMostDevices = 16;

// Buttons of the joystick interface, as common gamepads number them.
enum Pressed { kA = 0, kB = 1, kX = 2, kStart = 7 };

}  // namespace

void GamepadReader::Axis(int number, double value) {
  value = std::clamp(value, -1.0, 1.0);
  if (std::abs(value) < kDeadZone) value = 0;
  if (number == 0) state_.sideways = value;
  if (number == 1) state_.forward = -value;
}

void GamepadReader::Button(int number) {
  HandWishes& wishes = state_.wishes;
  wishes.arm = wishes.arm || number == kA;
  wishes.stop = wishes.stop || number == kB;
  wishes.new_episode = wishes.new_episode || number == kX;
  wishes.quit = wishes.quit || number == kStart;
}

void GamepadReader::TakeJoystick(const char* event) {
  js_event js;
  std::memcpy(&js, event, sizeof(js));
  // The first events of a device say how it stands; a button held down then is no wish.
  const bool initial = (js.type & JS_EVENT_INIT) != 0;
  const int type = js.type & ~JS_EVENT_INIT;
  if (type == JS_EVENT_AXIS) Axis(js.number, js.value / 32767.0);
  if (type == JS_EVENT_BUTTON && js.value != 0 && !initial) Button(js.number);
}

void GamepadReader::TakeEvent(const char* event) {
  input_event input;
  std::memcpy(&input, event, sizeof(input));
  if (input.type == EV_ABS && (input.code == ABS_X || input.code == ABS_Y)) {
    const double middle = 0.5 * (static_cast<double>(low_) + high_);
    const double reach = 0.5 * (static_cast<double>(high_) - low_);
    if (reach > 0) Axis(input.code == ABS_X ? 0 : 1, (input.value - middle) / reach);
  }
  if (input.type != EV_KEY || input.value != 1) return;
  if (input.code == BTN_SOUTH) Button(kA);
  if (input.code == BTN_EAST) Button(kB);
  if (input.code == BTN_NORTH || input.code == BTN_WEST) Button(kX);
  if (input.code == BTN_START) Button(kStart);
}

void GamepadReader::Take(absl::string_view bytes) {
  pending_.append(bytes.data(), bytes.size());
  const size_t size = joystick_ ? sizeof(js_event) : sizeof(input_event);
  size_t at = 0;
  for (; at + size <= pending_.size(); at += size) {
    if (joystick_) {
      TakeJoystick(pending_.data() + at);
    } else {
      TakeEvent(pending_.data() + at);
    }
  }
  pending_.erase(0, at);
}

StickState GamepadReader::State() {
  StickState state = state_;
  state_.wishes = {};
  return state;
}

absl::StatusOr<std::unique_ptr<Stick>> Gamepad::Open(const std::string& path) {
  std::string found = path;
  for (int i = 0; found.empty() && i < kMostDevices; ++i) {
    const std::string candidate = absl::StrCat("/dev/input/js", i);
    if (access(candidate.c_str(), R_OK) == 0) found = candidate;
  }
  if (found.empty()) {
    return absl::NotFoundError(
        "--operator=gamepad finds no readable /dev/input/js*; is one plugged in, and are you in "
        "group 'input'? --device=PATH names another");
  }
  const int fd = open(found.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return process::ErrnoStatus(errno, absl::StrCat("cannot open '", found, "'"));
  const bool joystick = !absl::StrContains(found, "event");
  char name[80] = "";
  input_absinfo axis{};
  if (joystick) {
    if (ioctl(fd, JSIOCGNAME(sizeof(name)), name) < 0) name[0] = '\0';
  } else if (ioctl(fd, EVIOCGNAME(sizeof(name)), name) < 0 ||
             ioctl(fd, EVIOCGABS(ABS_X), &axis) < 0) {
    const absl::Status status =
        process::ErrnoStatus(errno, absl::StrCat("'", found, "' has no stick"));
    close(fd);
    return status;
  }
  GamepadReader reader =
      joystick ? GamepadReader(true) : GamepadReader(false, axis.minimum, axis.maximum);
  return std::unique_ptr<Stick>(
      new Gamepad(fd, absl::StrCat("gamepad '", name, "' at ", found), std::move(reader)));
}

Gamepad::~Gamepad() { close(fd_); }

StickState Gamepad::Read() {
  char bytes[512];
  while (!gone_) {
    const ssize_t count = read(fd_, bytes, sizeof(bytes));
    if (count > 0) {
      reader_.Take({bytes, static_cast<size_t>(count)});
      continue;
    }
    gone_ = count == 0 || (errno != EAGAIN && errno != EINTR);
    break;
  }
  if (gone_) return {.wishes = {.quit = true}};
  return reader_.State();
}

}  // namespace estuary::cli
