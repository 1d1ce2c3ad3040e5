#include "robot_bridge/drivers/serial/serial_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cstring>
#include <iterator>
#include <mutex>
#include <utility>

#include "robot_bridge/drivers/frame/estuary_frame.h"
#include "robot_bridge/drivers/frame/readiness.h"
#include "robot_bridge/loop/clock.h"

namespace estuary::bridge {
namespace {

constexpr int64_t kOpenAgainAfter = 200 * kMillisecond;
// Longest wait for room in the line's buffer: less than a control period.
constexpr int kSendPatienceMs = 3;

struct Speed {
  int baud;
  speed_t code;
};
constexpr Speed kSpeeds[] = {{115200, B115200},   {230400, B230400},   {460800, B460800},
                             {500000, B500000},   {576000, B576000},   {921600, B921600},
                             {1000000, B1000000}, {1152000, B1152000}, {1500000, B1500000},
                             {2000000, B2000000}, {2500000, B2500000}, {3000000, B3000000},
                             {3500000, B3500000}, {4000000, B4000000}};

const Speed* FindSpeed(int baud) {
  for (const Speed& speed : kSpeeds) {
    if (speed.baud == baud) return &speed;
  }
  return nullptr;
}

// Raw, so that no byte means anything but itself. False and errno where it is no tty.
bool MakeRaw(int fd, const Speed* speed) {
  termios settings;
  if (tcgetattr(fd, &settings) != 0) return false;
  cfmakeraw(&settings);
  settings.c_cflag |= CLOCAL | CREAD;
  settings.c_cflag &= ~(CRTSCTS | CSTOPB);
  settings.c_cc[VMIN] = 0;
  settings.c_cc[VTIME] = 0;
  if (speed != nullptr) {
    cfsetispeed(&settings, speed->code);
    cfsetospeed(&settings, speed->code);
  }
  if (tcsetattr(fd, TCSANOW, &settings) != 0) return false;
  tcflush(fd, TCIOFLUSH);
  return true;
}

// Negative and `error` where it cannot be had.
int OpenTty(const std::string& device, const Speed* speed, std::string& error) {
  const int fd = open(device.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) {
    error = "cannot open serial line '" + device + "': " + std::strerror(errno);
    return fd;
  }
  if (!MakeRaw(fd, speed)) {
    error = "'" + device + "' is no serial line: " + std::strerror(errno);
    close(fd);
    return -1;
  }
  return fd;
}

class SerialWire : public Wire {
 public:
  SerialWire(int fd, std::string device, const Speed* speed, Word word)
      : device_(std::move(device)), speed_(speed), word_(std::move(word)), fd_(fd) {}
  ~SerialWire() override {
    if (fd_ >= 0) close(fd_);
  }

  bool stream() const override { return true; }

  size_t Receive(int64_t deadline, uint8_t* bytes, size_t room, Peer& from) override {
    from = Peer();
    // This thread alone changes fd_.
    if (fd_ < 0) OpenAgain();
    if (fd_ < 0) {
      const int64_t next = Now() + kOpenAgainAfter;
      readiness_.Wait(-1, deadline < next ? deadline : next);
      return 0;
    }
    while (fd_ >= 0) {
      if (!readiness_.Wait(fd_, deadline)) return 0;
      const ssize_t size = read(fd_, bytes, room);
      if (size > 0) return static_cast<size_t>(size);
      if (size < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      LineGone();
      if (Now() >= deadline) return 0;
    }
    return 0;
  }

  void Send(const uint8_t* bytes, size_t size, const Peer&) override {
    std::lock_guard<std::mutex> lock(mutex_);
    while (size > 0 && fd_ >= 0) {
      const ssize_t written = write(fd_, bytes, size);
      if (written > 0) {
        bytes += written;
        size -= static_cast<size_t>(written);
        continue;
      }
      if (written < 0 && errno == EINTR) continue;
      if (written < 0 && errno != EAGAIN) return;
      // What is left of the frame is lost: the other end sees a damaged one, and the next is whole.
      pollfd room = {fd_, POLLOUT, 0};
      if (poll(&room, 1, kSendPatienceMs) <= 0) return;
    }
  }

  void Interrupt() override { readiness_.Interrupt(); }

  std::string Describe(const Peer&) const override {
    return device_.empty() ? "a serial line" : device_;
  }

 private:
  void LineGone() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      // The near end of a pseudo-terminal says so while nobody has the far end open.
      if (!device_.empty()) {
        close(fd_);
        fd_ = -1;
      }
    }
    if (device_.empty()) {
      readiness_.Wait(-1, Now() + 10 * kMillisecond);
    } else if (word_) {
      word_("serial line '" + device_ + "' is gone; waiting for it");
    }
  }

  void OpenAgain() {
    std::string error;
    const int fd = OpenTty(device_, speed_, error);
    if (fd < 0) return;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      fd_ = fd;
    }
    if (word_) word_("serial line '" + device_ + "' is back");
  }

  const std::string device_;
  const Speed* const speed_;
  const Word word_;
  Readiness readiness_;
  // Held while something is sent and while fd_ changes.
  std::mutex mutex_;
  int fd_;
};

}  // namespace

std::unique_ptr<Wire> OpenSerial(const std::string& device, int baud, const Wire::Word& word,
                                 std::string& error) {
  const Speed* speed = FindSpeed(baud);
  if (speed == nullptr) {
    error = "no serial line has " + std::to_string(baud) + " baud; there are";
    for (const Speed& known : kSpeeds) error += " " + std::to_string(known.baud);
    return nullptr;
  }
  const int fd = OpenTty(device, speed, error);
  if (fd < 0) return nullptr;
  return std::make_unique<SerialWire>(fd, device, speed, word);
}

std::unique_ptr<Wire> AdoptSerial(int fd) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  MakeRaw(fd, nullptr);
  return std::make_unique<SerialWire>(fd, "", nullptr, nullptr);
}

int OpenPseudoTerminal(std::string& far_end, std::string& error) {
  const int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  char name[128];
  if (fd < 0 || grantpt(fd) != 0 || unlockpt(fd) != 0 || ptsname_r(fd, name, sizeof(name)) != 0) {
    error = std::string("cannot open a pseudo-terminal: ") + std::strerror(errno);
    if (fd >= 0) close(fd);
    return -1;
  }
  far_end = name;
  return fd;
}

int BaudFor(uint32_t observation_dim, uint32_t action_dim, uint32_t control_period_us) {
  // Ten bits a byte, and each way half of the period at most, so that the line adds no more than
  // that to a command's age.
  constexpr double kBitsPerByte = 10;
  constexpr double kPart = 0.5;
  const size_t largest = estuary_frame_size(
      ESTUARY_OBSERVATION, static_cast<uint8_t>(observation_dim), static_cast<uint8_t>(action_dim));
  const double bits_a_second =
      static_cast<double>(largest) * kBitsPerByte / (kPart * 1e-6 * control_period_us);
  for (const Speed& speed : kSpeeds) {
    if (speed.baud >= bits_a_second) return speed.baud;
  }
  return kSpeeds[std::size(kSpeeds) - 1].baud;
}

}  // namespace estuary::bridge
