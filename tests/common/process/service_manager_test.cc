#include "common/process/service_manager.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"

namespace estuary::process {
namespace {

// Plays systemd: a datagram socket, in the file system or (with a leading '@') without a file.
class Manager {
 public:
  explicit Manager(const std::string& name) : name_(name) {
    fd_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    bound_ = bind(fd_, reinterpret_cast<sockaddr*>(&address),
                  offsetof(sockaddr_un, sun_path) + name.size()) == 0;
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  ~Manager() {
    close(fd_);
    unlink(name_.c_str());
    unsetenv("NOTIFY_SOCKET");
  }

  bool bound() const { return bound_; }
  std::string Heard() {
    char buffer[256];
    const ssize_t size = recv(fd_, buffer, sizeof(buffer), 0);
    return size < 0 ? "" : std::string(buffer, size);
  }

 private:
  const std::string name_;
  int fd_ = -1;
  bool bound_ = false;
};

std::string Path() { return absl::StrCat(testing::TempDir(), "/notify-", getpid(), ".sock"); }

TEST(ServiceManager, HearsWhatItIsTold) {
  Manager manager(Path());
  ASSERT_TRUE(manager.bound());
  EXPECT_TRUE(TellServiceManager("READY=1\nSTATUS=at work"));
  EXPECT_EQ(manager.Heard(), "READY=1\nSTATUS=at work");
}

TEST(ServiceManager, MayHaveASocketWithoutAFile) {
  Manager manager(absl::StrCat("@estuary-test-", getpid()));
  ASSERT_TRUE(manager.bound());
  EXPECT_TRUE(TellServiceManager("WATCHDOG=1"));
  EXPECT_EQ(manager.Heard(), "WATCHDOG=1");
}

TEST(ServiceManager, IsNotMissed) {
  unsetenv("NOTIFY_SOCKET");
  EXPECT_FALSE(TellServiceManager("READY=1"));
  setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
  EXPECT_FALSE(TellServiceManager("READY=1"));
  setenv("NOTIFY_SOCKET", "vsock:2:1234", 1);
  EXPECT_FALSE(TellServiceManager("READY=1"));
  setenv("NOTIFY_SOCKET", std::string(200, '/').c_str(), 1);
  EXPECT_FALSE(TellServiceManager("READY=1"));
  unsetenv("NOTIFY_SOCKET");
}

TEST(ServiceManager, NeverMakesItsProcessWait) {
  Manager manager(Path());
  ASSERT_TRUE(manager.bound());
  // Nobody reads: once its queue is full, words are lost, not waited for.
  bool told = true;
  for (int i = 0; i < 100'000 && told; ++i) told = TellServiceManager("WATCHDOG=1");
  EXPECT_FALSE(told);
}

TEST(ServiceManager, SaysHowOftenItWatches) {
  unsetenv("WATCHDOG_USEC");
  unsetenv("WATCHDOG_PID");
  EXPECT_EQ(WatchdogInterval(), absl::InfiniteDuration());
  setenv("WATCHDOG_USEC", "2000000", 1);
  EXPECT_EQ(WatchdogInterval(), absl::Seconds(1));
  setenv("WATCHDOG_PID", absl::StrCat(getpid()).c_str(), 1);
  EXPECT_EQ(WatchdogInterval(), absl::Seconds(1));
  // It watches this process's parent.
  setenv("WATCHDOG_PID", absl::StrCat(getppid()).c_str(), 1);
  EXPECT_EQ(WatchdogInterval(), absl::InfiniteDuration());
  unsetenv("WATCHDOG_PID");
  for (const char* bad : {"", "0", "-5", "soon"}) {
    setenv("WATCHDOG_USEC", bad, 1);
    EXPECT_EQ(WatchdogInterval(), absl::InfiniteDuration()) << bad;
  }
  unsetenv("WATCHDOG_USEC");
}

}  // namespace
}  // namespace estuary::process
