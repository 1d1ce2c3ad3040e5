#include "common/process/scrape_server.h"

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <prometheus/text_serializer.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sstream>
#include <thread>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "common/process/address.h"
#include "common/process/caller.h"
#include "common/process/log.h"
#include "common/process/openssl_session.h"
#include "common/process/status.h"

namespace estuary::process {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(3);
constexpr size_t kLongestRequest = 8 << 10;

absl::StatusOr<int> Listen(const std::string& address) {
  const std::string host = HostOf(address);
  const std::string port = address.substr(address.rfind(':') + 1);
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (error != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot serve metrics at ", address, ": ", gai_strerror(error)));
  }
  absl::Cleanup free_found = [found] { freeaddrinfo(found); };
  const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, 16) != 0) {
    const std::string why = std::strerror(errno);
    if (fd >= 0) close(fd);
    return absl::UnavailableError(
        absl::StrCat("cannot serve metrics at ", address, ": ", why, "; is the port in use?"));
  }
  return fd;
}

std::string Answer(const std::string& status, const std::string& body) {
  return absl::StrCat("HTTP/1.1 ", status,
                      "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
                      "Content-Length: ",
                      body.size(), "\r\nConnection: close\r\n\r\n", body);
}

// As OpenSslSession, without TLS.
class PlainSession {
 public:
  PlainSession(int fd, absl::Duration patience) : fd_(fd), end_(absl::Now() + patience) {}
  ~PlainSession() { close(fd_); }

  absl::StatusOr<std::string> Read() {
    ESTUARY_RETURN_IF_ERROR(Await(POLLIN));
    char buffer[1 << 12];
    const ssize_t n = recv(fd_, buffer, sizeof(buffer), MSG_DONTWAIT);
    if (n < 0) return ErrnoStatus(errno, "cannot read a request");
    return std::string(buffer, static_cast<size_t>(n));
  }
  absl::Status Write(absl::string_view data) {
    while (!data.empty()) {
      ESTUARY_RETURN_IF_ERROR(Await(POLLOUT));
      const ssize_t n = send(fd_, data.data(), data.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n < 0) return ErrnoStatus(errno, "cannot answer");
      data.remove_prefix(static_cast<size_t>(n));
    }
    return absl::OkStatus();
  }
  void End() { shutdown(fd_, SHUT_WR); }

 private:
  absl::Status Await(int16_t event) {
    pollfd wait{fd_, event, 0};
    const int64_t left = absl::ToInt64Milliseconds(end_ - absl::Now());
    if (left > 0 && poll(&wait, 1, static_cast<int>(left)) > 0) return absl::OkStatus();
    return absl::DeadlineExceededError("the scraper is too slow");
  }

  const int fd_;
  const absl::Time end_;
};

}  // namespace

struct ScrapeServer::Impl {
  // Null: plaintext.
  std::shared_ptr<Tls> tls;
  std::shared_ptr<prometheus::Collectable> metrics;
  int listener = -1;
  int stop = -1;
  std::thread thread;

  ~Impl() {
    if (thread.joinable()) {
      eventfd_write(stop, 1);
      thread.join();
    }
    if (stop >= 0) close(stop);
    if (listener >= 0) close(listener);
  }

  void Work() {
    pollfd waits[] = {{listener, POLLIN, 0}, {stop, POLLIN, 0}};
    while (true) {
      if (poll(waits, 2, -1) < 0 && errno != EINTR) return;
      if (waits[1].revents != 0) return;
      if (waits[0].revents == 0) continue;
      const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd >= 0) Serve(fd);
    }
  }

  void Serve(int fd) {
    if (tls == nullptr) {
      PlainSession session(fd, kPatience);
      return Talk(session, Caller{.trusted = true});
    }
    absl::StatusOr<std::unique_ptr<OpenSslSession>> session =
        OpenSslSession::Accept(fd, *tls->files(), kPatience);
    if (session.ok()) Talk(**session, CallerWithUris((*session)->peer().uris));
  }

  template <typename Session>
  void Talk(Session& session, const Caller& caller) {
    std::string request;
    while (!absl::StrContains(request, "\r\n\r\n") && request.size() < kLongestRequest) {
      const absl::StatusOr<std::string> more = session.Read();
      if (!more.ok() || more->empty()) return;
      request += *more;
    }
    // A scraper that has gone comes again.
    session.Write(Respond(request, caller)).IgnoreError();
    session.End();
  }

  std::string Respond(const std::string& request, const Caller& caller) {
    // Like the health of a gRPC server: for whoever has a certificate.
    if (absl::StartsWith(request, "GET /health ")) return Answer("200 OK", "ok\n");
    const absl::Status allowed = CheckScrape(caller);
    if (!allowed.ok()) {
      CountRefusal(caller, "/metrics", allowed);
      return Answer("403 Forbidden", absl::StrCat(allowed.message(), "\n"));
    }
    if (!absl::StartsWith(request, "GET /metrics ") &&
        !absl::StartsWith(request, "GET /metrics?")) {
      return Answer("404 Not Found", "only GET /metrics is served here\n");
    }
    std::ostringstream text;
    prometheus::TextSerializer().Serialize(text, metrics->Collect());
    return Answer("200 OK", text.str());
  }
};

ScrapeServer::ScrapeServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ScrapeServer::~ScrapeServer() = default;

int ScrapeServer::port() const {
  sockaddr_in6 bound{};
  socklen_t size = sizeof(bound);
  getsockname(impl_->listener, reinterpret_cast<sockaddr*>(&bound), &size);
  // At the same place in IPv4's structure.
  return ntohs(bound.sin6_port);
}

absl::StatusOr<std::unique_ptr<ScrapeServer>> ScrapeServer::Start(
    const std::string& address, std::shared_ptr<Tls> tls,
    std::shared_ptr<prometheus::Collectable> metrics) {
  auto impl = std::make_unique<Impl>();
  impl->tls = std::move(tls);
  impl->metrics = std::move(metrics);
  ESTUARY_ASSIGN_OR_RETURN(impl->listener, Listen(address));
  impl->stop = eventfd(0, EFD_CLOEXEC);
  if (impl->stop < 0) return ErrnoStatus(errno, "cannot serve metrics");
  impl->thread = std::thread([impl = impl.get()] { impl->Work(); });
  return std::unique_ptr<ScrapeServer>(new ScrapeServer(std::move(impl)));
}

}  // namespace estuary::process
