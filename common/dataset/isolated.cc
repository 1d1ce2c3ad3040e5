#include "common/dataset/isolated.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/process/status.h"

namespace estuary::dataset {
namespace {

// Batches take 64 MiB at most, and the file's own index.
constexpr rlim_t kChildMemory = rlim_t{4} << 30;
// What a status or a text may take.
constexpr uint32_t kMostText = 1 << 16;

enum class Question : uint64_t { kRead, kWhere };

struct Request {
  Question question = Question::kRead;
  uint64_t first = 0;
  uint64_t count = 0;
};

// What opening found, beside the layout's name.
struct Opened {
  uint64_t rows = 0;
  int64_t observation_dim = 0;
  int64_t action_dim = 0;
  uint64_t has_timeouts = 0;
  uint64_t left_out = 0;
  uint64_t left_out_terminal = 0;
};

// --- The child's end ---

bool SendAll(int socket, const void* data, size_t size) {
  const char* next = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t sent = send(socket, next, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    next += sent;
    size -= sent;
  }
  return true;
}

bool SendText(int socket, absl::string_view text) {
  const auto size = static_cast<uint32_t>(std::min<size_t>(text.size(), kMostText));
  return SendAll(socket, &size, sizeof(size)) && SendAll(socket, text.data(), size);
}

bool SendStatus(int socket, const absl::Status& status) {
  const auto code = static_cast<uint32_t>(status.code());
  return SendAll(socket, &code, sizeof(code)) && SendText(socket, status.message());
}

template <class T>
bool SendValues(int socket, const std::vector<T>& values) {
  return SendAll(socket, values.data(), sizeof(T) * values.size());
}

bool SendBatch(int socket, const Batch& batch) {
  return SendValues(socket, batch.observations) && SendValues(socket, batch.actions) &&
         SendValues(socket, batch.rewards) && SendValues(socket, batch.next_observations) &&
         SendValues(socket, batch.terminals) && SendValues(socket, batch.timeouts);
}

// Until the parent closes its end.
void Serve(int socket, const std::string& path) {
  absl::StatusOr<std::unique_ptr<Layout>> layout = OpenHere(path);
  if (!SendStatus(socket, layout.status()) || !layout.ok()) return;
  const Info info = (*layout)->info();
  const Opened opened = {.rows = info.rows,
                         .observation_dim = info.observation_dim,
                         .action_dim = info.action_dim,
                         .has_timeouts = info.has_timeouts ? 1U : 0U,
                         .left_out = info.left_out,
                         .left_out_terminal = info.left_out_terminal};
  if (!SendAll(socket, &opened, sizeof(opened)) || !SendText(socket, info.layout)) return;
  Batch batch;
  Request request;
  while (recv(socket, &request, sizeof(request), MSG_WAITALL) == sizeof(request)) {
    if (request.question == Question::kWhere) {
      if (!SendText(socket, (*layout)->Where(request.first))) return;
      continue;
    }
    batch.Resize(request.first, request.count, info.observation_dim, info.action_dim);
    const absl::Status status = (*layout)->Read(batch);
    if (!SendStatus(socket, status) || (status.ok() && !SendBatch(socket, batch))) return;
  }
}

// Sanitizers need more address space than there is memory.
bool MemoryCanBeLimited() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return false;
#else
  return true;
#endif
#else
  return true;
#endif
}

[[noreturn]] void RunChild(int socket, pid_t parent, const std::string& path) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  // A key that stops the parent must not look like a crash here: the end of the socket ends us.
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_DFL);
  for (const int fatal : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL}) signal(fatal, SIG_DFL);
  const rlimit no_core = {.rlim_cur = 0, .rlim_max = 0};
  setrlimit(RLIMIT_CORE, &no_core);
  const rlimit memory = {.rlim_cur = kChildMemory, .rlim_max = kChildMemory};
  if (MemoryCanBeLimited()) setrlimit(RLIMIT_AS, &memory);
  // The parent says what went wrong.
  const int nowhere = open("/dev/null", O_RDWR);
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(nowhere, stream);
  constexpr int kOurs = 3;
  if (socket != kOurs) dup2(socket, kOurs);
  close_range(kOurs + 1, ~0U, 0);
  Serve(kOurs, path);
  _exit(0);
}

// --- The parent's end ---

class Isolated : public Layout {
 public:
  Isolated(std::string path, pid_t child, int socket, absl::Duration patience)
      : path_(std::move(path)), patience_(patience), child_(child), socket_(socket) {}
  ~Isolated() override { Part(); }

  absl::Status Begin() {
    ESTUARY_RETURN_IF_ERROR(ReceiveStatus());
    Opened opened;
    ESTUARY_RETURN_IF_ERROR(Receive(&opened, sizeof(opened)));
    ESTUARY_RETURN_IF_ERROR(ReceiveText(info_.layout));
    info_.rows = opened.rows;
    info_.observation_dim = static_cast<int>(opened.observation_dim);
    info_.action_dim = static_cast<int>(opened.action_dim);
    info_.has_timeouts = opened.has_timeouts != 0;
    info_.left_out = opened.left_out;
    info_.left_out_terminal = opened.left_out_terminal;
    // Whatever became of the child, its answers cannot make us ask for absurd memory.
    constexpr int64_t kWidest = 1 << 20;
    if (opened.rows > 0 && opened.observation_dim > 0 && opened.observation_dim <= kWidest &&
        opened.action_dim > 0 && opened.action_dim <= kWidest) {
      return absl::OkStatus();
    }
    return Broken("gave an impossible shape");
  }

  Info info() const override { return info_; }

  std::string Where(uint64_t row) const override {
    std::string text;
    if (Ask({.question = Question::kWhere, .first = row}).ok() && ReceiveText(text).ok()) {
      return text;
    }
    return absl::StrCat("row ", row);
  }

  absl::Status Read(Batch& batch) const override {
    ESTUARY_RETURN_IF_ERROR(
        Ask({.question = Question::kRead, .first = batch.first, .count = batch.rows}));
    ESTUARY_RETURN_IF_ERROR(ReceiveStatus());
    ESTUARY_RETURN_IF_ERROR(ReceiveValues(batch.observations));
    ESTUARY_RETURN_IF_ERROR(ReceiveValues(batch.actions));
    ESTUARY_RETURN_IF_ERROR(ReceiveValues(batch.rewards));
    ESTUARY_RETURN_IF_ERROR(ReceiveValues(batch.next_observations));
    ESTUARY_RETURN_IF_ERROR(ReceiveValues(batch.terminals));
    return ReceiveValues(batch.timeouts);
  }

 private:
  // Ends the child. Gives how it ended.
  int Part() const {
    int how = 0;
    if (socket_ >= 0) close(std::exchange(socket_, -1));
    if (child_ > 0) waitpid(std::exchange(child_, -1), &how, 0);
    return how;
  }

  absl::Status Broken(const std::string& what) const {
    if (child_ > 0) kill(child_, SIGKILL);
    Part();
    return absl::DataLossError(
        absl::StrCat(path_, ": reading it ", what, "; the file is damaged, or was made to harm"));
  }

  absl::Status Ask(const Request& request) const {
    if (socket_ < 0) {
      return absl::FailedPreconditionError(absl::StrCat(path_, ": reading it failed before"));
    }
    if (SendAll(socket_, &request, sizeof(request))) return absl::OkStatus();
    return Gone();
  }

  // The child closed its end.
  absl::Status Gone() const {
    const int how = Part();
    return Broken(WIFSIGNALED(how)
                      ? absl::StrCat("crashed the HDF5 library (", strsignal(WTERMSIG(how)), ")")
                      : "ended the HDF5 library");
  }

  absl::Status Receive(void* data, size_t size) const {
    const absl::Time deadline = absl::Now() + patience_;
    char* next = static_cast<char*>(data);
    while (size > 0) {
      pollfd ready = {.fd = socket_, .events = POLLIN, .revents = 0};
      const int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
      const int polled = poll(&ready, 1, static_cast<int>(std::max<int64_t>(0, left)));
      if (polled < 0 && errno == EINTR) continue;
      if (polled <= 0) {
        return Broken(absl::StrCat("took longer than ", absl::FormatDuration(patience_)));
      }
      const ssize_t got = recv(socket_, next, size, 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return Gone();
      next += got;
      size -= got;
    }
    return absl::OkStatus();
  }

  absl::Status ReceiveText(std::string& text) const {
    uint32_t size = 0;
    ESTUARY_RETURN_IF_ERROR(Receive(&size, sizeof(size)));
    if (size > kMostText) return Broken("gave an endless text");
    text.resize(size);
    return Receive(text.data(), size);
  }

  absl::Status ReceiveStatus() const {
    uint32_t code = 0;
    std::string message;
    ESTUARY_RETURN_IF_ERROR(Receive(&code, sizeof(code)));
    ESTUARY_RETURN_IF_ERROR(ReceiveText(message));
    return absl::Status(static_cast<absl::StatusCode>(code), message);
  }

  template <class T>
  absl::Status ReceiveValues(std::vector<T>& values) const {
    return Receive(values.data(), sizeof(T) * values.size());
  }

  const std::string path_;
  const absl::Duration patience_;
  Info info_;
  mutable pid_t child_;
  mutable int socket_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Layout>> OpenIsolated(const std::string& path,
                                                     absl::Duration patience) {
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) {
    return process::ErrnoStatus(errno, "cannot make a socket pair");
  }
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) RunChild(sockets[1], parent, path);
  close(sockets[1]);
  if (child < 0) {
    close(sockets[0]);
    return process::ErrnoStatus(errno, absl::StrCat("cannot start a process to read '", path, "'"));
  }
  auto isolated = std::make_unique<Isolated>(path, child, sockets[0], patience);
  ESTUARY_RETURN_IF_ERROR(isolated->Begin());
  return isolated;
}

}  // namespace estuary::dataset
