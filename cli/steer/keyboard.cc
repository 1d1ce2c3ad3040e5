#include "cli/steer/keyboard.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/process/status.h"

namespace estuary::cli {
namespace {

// A terminal repeats a key that is held down after about half a second, then some 30 times a
// second.
constexpr int64_t kFirstHoldNs = 600'000'000;
constexpr int64_t kNextHoldNs = 150'000'000;

int64_t Now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

void KeyReader::Press(Axis& axis, double direction, int64_t now_ns) {
  const bool held = axis.direction == direction && now_ns < axis.until_ns;
  if (!held) axis.pressed_ns = now_ns;
  axis.direction = direction;
  const bool repeats = now_ns - axis.pressed_ns >= kFirstHoldNs / 2;
  axis.until_ns = now_ns + (repeats ? kNextHoldNs : kFirstHoldNs);
}

double KeyReader::Value(const Axis& axis, int64_t now_ns) {
  return now_ns < axis.until_ns ? axis.direction : 0;
}

void KeyReader::Letter(char letter) {
  switch (letter) {
    case 'r':
      wishes_.arm = true;
      break;
    case 'n':
      wishes_.new_episode = true;
      break;
    case ' ':
      wishes_.stop = true;
      break;
    case 'q':
      wishes_.quit = true;
      break;
    default:
      break;
  }
}

void KeyReader::Take(absl::string_view bytes, int64_t now_ns) {
  for (const char byte : bytes) {
    if (escape_.empty()) {
      if (byte == '\x1b') {
        escape_ = byte;
      } else {
        Letter(byte);
      }
      continue;
    }
    escape_ += byte;
    // "ESC [ A", or "ESC O A" from a keypad.
    if (escape_.size() == 2) {
      if (byte != '[' && byte != 'O') escape_.clear();
      continue;
    }
    escape_.clear();
    if (byte == 'A') Press(forward_, 1, now_ns);
    if (byte == 'B') Press(forward_, -1, now_ns);
    if (byte == 'C') Press(sideways_, 1, now_ns);
    if (byte == 'D') Press(sideways_, -1, now_ns);
  }
}

StickState KeyReader::State(int64_t now_ns) {
  StickState state;
  state.sideways = Value(sideways_, now_ns);
  state.forward = Value(forward_, now_ns);
  state.wishes = std::exchange(wishes_, HandWishes());
  return state;
}

absl::StatusOr<std::unique_ptr<Stick>> Keyboard::Open() {
  termios before;
  if (isatty(STDIN_FILENO) == 0 || tcgetattr(STDIN_FILENO, &before) != 0) {
    return absl::NotFoundError(
        "--operator=keyboard needs a terminal at standard input; --operator=scripted needs none");
  }
  termios raw = before;
  // Ctrl-C still ends the command, and what is printed looks as always.
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  raw.c_cc[VMIN] = 0;
  raw.c_cc[VTIME] = 0;
  if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) != 0) {
    return process::ErrnoStatus(errno, "cannot read single keys from the terminal");
  }
  return std::unique_ptr<Stick>(new Keyboard(before));
}

Keyboard::~Keyboard() { tcsetattr(STDIN_FILENO, TCSANOW, &before_); }

StickState Keyboard::Read() {
  pollfd ready = {.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  while (!ended_ && poll(&ready, 1, 0) > 0) {
    char bytes[64];
    const ssize_t count = read(STDIN_FILENO, bytes, sizeof(bytes));
    if (count <= 0) {
      // Hung up, where the poll says that there is something and there is nothing.
      ended_ = (ready.revents & POLLHUP) != 0 || (count < 0 && errno != EINTR && errno != EAGAIN);
      break;
    }
    reader_.Take({bytes, static_cast<size_t>(count)}, Now());
  }
  StickState state = reader_.State(Now());
  if (ended_) state = {.wishes = {.quit = true}};
  return state;
}

}  // namespace estuary::cli
