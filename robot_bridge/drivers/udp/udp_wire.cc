#include "robot_bridge/drivers/udp/udp_wire.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "robot_bridge/drivers/frame/readiness.h"

namespace estuary::bridge {
namespace {

static_assert(sizeof(sockaddr_in6) <= sizeof(Peer::address));

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

// False and `error` where it is no address.
bool LookUp(const std::string& text, bool to_listen, Address& address, std::string& error) {
  const size_t colon = text.rfind(':');
  std::string host = colon == std::string::npos ? "" : text.substr(0, colon);
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  if (host.empty() || colon + 1 == text.size()) {
    error = "'" + text + "' is no address: host:port is";
    return false;
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_flags = to_listen ? AI_PASSIVE : 0;
  addrinfo* found = nullptr;
  const int rc = getaddrinfo(host.c_str(), text.c_str() + colon + 1, &hints, &found);
  if (rc != 0) {
    error = "'" + text + "' is no address: " + gai_strerror(rc);
    return false;
  }
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  address.size = found->ai_addrlen;
  freeaddrinfo(found);
  return true;
}

std::string Words(const sockaddr* address, socklen_t size) {
  char host[NI_MAXHOST];
  char port[NI_MAXSERV];
  if (getnameinfo(address, size, host, sizeof(host), port, sizeof(port),
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return "?";
  }
  return address->sa_family == AF_INET6 ? "[" + std::string(host) + "]:" + port
                                        : std::string(host) + ":" + port;
}

class UdpWire : public Wire {
 public:
  UdpWire(int fd, bool connected) : fd_(fd), connected_(connected) {}
  ~UdpWire() override { close(fd_); }

  bool stream() const override { return false; }

  size_t Receive(int64_t deadline, uint8_t* bytes, size_t room, Peer& from) override {
    while (readiness_.Wait(fd_, deadline)) {
      Address address;
      address.size = sizeof(address.storage);
      const ssize_t size = recvfrom(fd_, bytes, room, MSG_DONTWAIT, address.get(), &address.size);
      // An error is an earlier datagram's that nobody took: the peer is not there (yet).
      if (size <= 0) continue;
      from = Peer();
      if (!connected_) {
        from.size = std::min<socklen_t>(address.size, from.address.size());
        std::memcpy(from.address.data(), &address.storage, from.size);
      }
      return static_cast<size_t>(size);
    }
    return 0;
  }

  void Send(const uint8_t* bytes, size_t size, const Peer& to) override {
    if (connected_) {
      send(fd_, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
      return;
    }
    sendto(fd_, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL,
           reinterpret_cast<const sockaddr*>(to.address.data()), to.size);
  }

  void Interrupt() override { readiness_.Interrupt(); }

  std::string Describe(const Peer& peer) const override {
    return Words(reinterpret_cast<const sockaddr*>(peer.address.data()), peer.size);
  }

 private:
  const int fd_;
  const bool connected_;
  Readiness readiness_;
};

int Socket(const Address& address, std::string& error) {
  const int fd = socket(address.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    error = std::string("cannot make a socket: ") + std::strerror(errno);
    return fd;
  }
  // Commands before everything else, where a switch or an access point looks at it.
  const int kLowDelay = IPTOS_LOWDELAY;
  setsockopt(fd, IPPROTO_IP, IP_TOS, &kLowDelay, sizeof(kLowDelay));
  return fd;
}

}  // namespace

std::unique_ptr<Wire> ListenUdp(const std::string& address, std::string& bound,
                                std::string& error) {
  Address to;
  if (!LookUp(address, true, to, error)) return nullptr;
  const int fd = Socket(to, error);
  if (fd < 0) return nullptr;
  if (bind(fd, to.get(), to.size) != 0) {
    error = "cannot listen at udp:" + address + ": " + std::strerror(errno);
    close(fd);
    return nullptr;
  }
  to.size = sizeof(to.storage);
  getsockname(fd, to.get(), &to.size);
  bound = Words(to.get(), to.size);
  return std::make_unique<UdpWire>(fd, false);
}

std::unique_ptr<Wire> ConnectUdp(const std::string& address, std::string& error) {
  Address to;
  if (!LookUp(address, false, to, error)) return nullptr;
  const int fd = Socket(to, error);
  if (fd < 0) return nullptr;
  if (connect(fd, to.get(), to.size) != 0) {
    error = "cannot reach udp:" + address + ": " + std::strerror(errno);
    close(fd);
    return nullptr;
  }
  return std::make_unique<UdpWire>(fd, true);
}

bool IsLoopbackUdp(const std::string& address) {
  Address found;
  std::string error;
  if (!LookUp(address, true, found, error)) return false;
  if (found.storage.ss_family == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(&found.storage);
    return (ntohl(in->sin_addr.s_addr) >> 24) == 127;
  }
  const auto* in6 = reinterpret_cast<const sockaddr_in6*>(&found.storage);
  return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

}  // namespace estuary::bridge
