#include "cli/cluster/child.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

// Between fork and exec: async-signal-safe calls only, since other threads may hold any lock.
[[noreturn]] void Become(char* const* argv, int log, int input, pid_t parent) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have gone before that took effect.
  if (getppid() != parent) _exit(127);
  dup2(input, STDIN_FILENO);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  execv(argv[0], argv);
  const char text[] = "cannot be executed\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text, sizeof(text) - 1);
  _exit(127);
}

}  // namespace

std::string ChildExit::ToString() const {
  if (signal != 0) return absl::StrCat("signal ", signal, " (", strsignal(signal), ")");
  return absl::StrCat("exit code ", code);
}

absl::StatusOr<std::unique_ptr<Child>> Child::Start(const std::vector<std::string>& argv,
                                                    const std::string& log_path) {
  if (access(argv[0].c_str(), X_OK) != 0) {
    return process::ErrnoStatus(errno, absl::StrCat("cannot run '", argv[0], "'"));
  }
  const int log = open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (log < 0) return process::ErrnoStatus(errno, absl::StrCat("cannot open '", log_path, "'"));
  const int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const std::string line = absl::StrCat("+ ", absl::StrJoin(argv, " "), "\n");
  [[maybe_unused]] const ssize_t written = write(log, line.data(), line.size());
  std::vector<std::string> words = argv;
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) Become(pointers.data(), log, input, parent);
  const int error = errno;
  close(log);
  close(input);
  if (pid < 0) return process::ErrnoStatus(error, absl::StrCat("cannot start '", argv[0], "'"));
  // Both sides do it, so that it is done whichever comes first.
  setpgid(pid, pid);
  return std::unique_ptr<Child>(new Child(pid));
}

Child::~Child() {
  if (Poll()) return;
  Signal(SIGKILL);
  Wait(absl::InfiniteDuration());
}

std::optional<ChildExit> Child::Poll() {
  if (exit_) return exit_;
  int status = 0;
  const pid_t found = waitpid(pid_, &status, WNOHANG);
  if (found != pid_) return std::nullopt;
  exit_ = WIFSIGNALED(status) ? ChildExit{.signal = WTERMSIG(status)}
                              : ChildExit{.code = WEXITSTATUS(status)};
  return exit_;
}

std::optional<ChildExit> Child::Wait(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  while (true) {
    if (const auto exit = Poll()) return exit;
    if (absl::Now() >= deadline) return std::nullopt;
    absl::SleepFor(absl::Milliseconds(5));
  }
}

void Child::Signal(int signal) {
  if (!exit_) kill(-pid_, signal);
}

std::string SiblingBinary(const std::string& name) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  return (self.parent_path() / name).string();
}

std::string LogTail(const std::string& path, int lines) {
  std::ifstream file(path);
  std::deque<std::string> tail;
  std::string line;
  while (std::getline(file, line)) {
    if (line.empty() || line[0] == '+') continue;
    const nlohmann::json json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (json.is_object() && json.contains("message") && json["message"].is_string()) {
      line = absl::StrCat(json.value("level", ""), ": ", json["message"].get<std::string>());
    }
    tail.push_back(line);
    if (tail.size() > static_cast<size_t>(lines)) tail.pop_front();
  }
  return absl::StrJoin(tail, "\n");
}

}  // namespace estuary::cli
