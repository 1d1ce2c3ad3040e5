// A connection that breaks.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace estuary::replay {

// Forwards connections, and cuts each after a random number of bytes while `cutting`.
class CuttingProxy {
 public:
  // Each connection is cut after 1 to `most` bytes.
  CuttingProxy(const std::string& at, const std::string& to, uint64_t seed, int64_t most = 200'000)
      : to_(to), random_(seed), most_(most) {
    listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un name = Name(at);
    EXPECT_EQ(bind(listener_, reinterpret_cast<const sockaddr*>(&name), sizeof(name)), 0);
    EXPECT_EQ(listen(listener_, 16), 0);
    thread_ = std::thread([this] { Run(); });
  }
  ~CuttingProxy() {
    stop_ = true;
    thread_.join();
    close(listener_);
  }

  std::atomic<bool> cutting = true;
  std::atomic<int> cuts = 0;

 private:
  struct Pair {
    int a = -1;
    int b = -1;
    int64_t left = 0;
  };

  static sockaddr_un Name(const std::string& path) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strncpy(name.sun_path, path.c_str(), sizeof(name.sun_path) - 1);
    return name;
  }

  // False where the connection ends.
  bool Forward(Pair& pair, int from, int to) {
    char buffer[4096];
    ssize_t n = read(from, buffer, sizeof(buffer));
    if (n <= 0) return false;
    const bool cut = cutting && n >= pair.left;
    if (cut) n = pair.left;
    for (ssize_t sent = 0; sent < n;) {
      const ssize_t m = send(to, buffer + sent, n - sent, MSG_NOSIGNAL);
      if (m <= 0) return false;
      sent += m;
    }
    pair.left -= n;
    if (cut) ++cuts;
    return !cut;
  }

  void Run() {
    std::vector<Pair> pairs;
    while (!stop_) {
      std::vector<pollfd> polled = {{.fd = listener_, .events = POLLIN, .revents = 0}};
      for (const Pair& pair : pairs) {
        polled.push_back({.fd = pair.a, .events = POLLIN, .revents = 0});
        polled.push_back({.fd = pair.b, .events = POLLIN, .revents = 0});
      }
      if (poll(polled.data(), polled.size(), 20) <= 0) continue;
      std::vector<Pair> kept;
      for (size_t i = 0; i < pairs.size(); ++i) {
        Pair& pair = pairs[i];
        bool open = true;
        if (polled[2 * i + 1].revents != 0) open = Forward(pair, pair.a, pair.b);
        if (open && polled[2 * i + 2].revents != 0) open = Forward(pair, pair.b, pair.a);
        if (open) {
          kept.push_back(pair);
        } else {
          close(pair.a);
          close(pair.b);
        }
      }
      pairs = kept;
      if (polled[0].revents == 0) continue;
      Pair pair;
      pair.a = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      pair.b = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const sockaddr_un name = Name(to_);
      if (connect(pair.b, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) != 0) {
        // Nobody serves now.
        close(pair.a);
        close(pair.b);
        continue;
      }
      pair.left = std::uniform_int_distribution<int64_t>(1, most_)(random_);
      pairs.push_back(pair);
    }
    for (const Pair& pair : pairs) {
      close(pair.a);
      close(pair.b);
    }
  }

  const std::string to_;
  std::mt19937_64 random_;
  const int64_t most_;
  int listener_ = -1;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace estuary::replay
