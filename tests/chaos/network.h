// A network that a test can cut: a namespace of its own, joined to the machine's by a pair of
// virtual interfaces. A black hole swallows every packet and tells nobody: both ends know a wrong
// hardware address of each other, so what they send arrives nowhere. That needs no packet filter.
//
// Needs root (CAP_SYS_ADMIN, CAP_NET_ADMIN) and `ip`.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"

namespace estuary::bridge {

class CutNetwork {
 public:
  // Unique among the tests that run on this machine now.
  CutNetwork()
      : name_(absl::StrCat("estuary", getpid())),
        here_(absl::StrCat("ecut", getpid() % 1'000'000)),
        there_(absl::StrCat("epeer", getpid() % 1'000'000)),
        net_(absl::StrCat("10.", 64 + getpid() / 256 % 64, ".", getpid() % 256, ".")) {
    ready_ =
        Ip("netns add " + name_) &&
        Ip(absl::StrCat("link add ", here_, " type veth peer name ", there_, " netns ", name_)) &&
        Ip(absl::StrCat("addr add ", here_address(), "/30 dev ", here_)) &&
        Ip(absl::StrCat("link set ", here_, " up")) &&
        Ip(absl::StrCat("-n ", name_, " addr add ", there_address(), "/30 dev ", there_)) &&
        Ip(absl::StrCat("-n ", name_, " link set ", there_, " up")) &&
        Ip(absl::StrCat("-n ", name_, " link set lo up"));
  }
  ~CutNetwork() {
    Ip(absl::StrCat("link del ", here_));
    Ip(absl::StrCat("netns del ", name_));
  }
  CutNetwork(const CutNetwork&) = delete;
  CutNetwork& operator=(const CutNetwork&) = delete;

  // Not: this machine does not let us.
  bool ready() const { return ready_; }
  std::string here_address() const { return net_ + "1"; }
  std::string there_address() const { return net_ + "2"; }
  // Words that start a process on the other side.
  std::vector<std::string> Prefix() const { return {"/sbin/ip", "netns", "exec", name_}; }

  bool Cut() {
    return Ip(Neighbour("replace", there_address(), here_) + kNowhere) &&
           Ip(absl::StrCat("-n ", name_, " ", Neighbour("replace", here_address(), there_),
                           kNowhere));
  }
  bool Join() {
    return Ip(Neighbour("del", there_address(), here_)) &&
           Ip(absl::StrCat("-n ", name_, " ", Neighbour("del", here_address(), there_)));
  }

 private:
  static constexpr char kNowhere[] = " lladdr 02:00:00:00:00:01 nud permanent";

  static std::string Neighbour(const std::string& verb, const std::string& address,
                               const std::string& interface) {
    return absl::StrCat("neigh ", verb, " ", address, " dev ", interface);
  }
  static bool Ip(const std::string& arguments) {
    const int rc = std::system(absl::StrCat("/sbin/ip ", arguments, " 2>/dev/null").c_str());
    return WIFEXITED(rc) && WEXITSTATUS(rc) == 0;
  }

  const std::string name_;
  const std::string here_;
  const std::string there_;
  const std::string net_;
  bool ready_ = false;
};

}  // namespace estuary::bridge
