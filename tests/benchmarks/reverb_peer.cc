#include "tests/benchmarks/reverb_peer.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

namespace estuary::benchmarks {

std::unique_ptr<ReverbPeer> ReverbPeer::Start(const std::string& python) {
  int to[2];
  int from[2];
  if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) return nullptr;
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(to[0], STDIN_FILENO);
    dup2(from[1], STDOUT_FILENO);
    // It warns at length about what it does well.
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(nowhere, STDERR_FILENO);
    execlp(python.c_str(), python.c_str(), ESTUARY_REVERB_PEER, nullptr);
    _exit(127);
  }
  close(to[0]);
  close(from[1]);
  if (pid < 0) return nullptr;
  std::unique_ptr<ReverbPeer> peer(new ReverbPeer(pid, fdopen(to[1], "w"), fdopen(from[0], "r")));
  char line[64] = "";
  if (std::fgets(line, sizeof(line), peer->from_) != nullptr && std::string(line) == "ready\n") {
    return peer;
  }
  std::fprintf(
      stderr,
      "no dm-reverb beside us: '%s %s' does not get ready (its header says what it needs)\n",
      python.c_str(), ESTUARY_REVERB_PEER);
  return nullptr;
}

ReverbPeer::~ReverbPeer() {
  // The end of its input ends it and its server.
  std::fclose(to_);
  std::fclose(from_);
  waitpid(pid_, nullptr, 0);
}

double ReverbPeer::Run(const std::string& name, double seconds) {
  // A peer that is gone shows in what is read.
  signal(SIGPIPE, SIG_IGN);
  std::fprintf(to_, "%s %g\n", name.c_str(), seconds);
  std::fflush(to_);
  double rows = 0;
  double elapsed = 0;
  if (std::fscanf(from_, "%lf %lf", &rows, &elapsed) != 2 || elapsed <= 0) {
    std::fprintf(stderr, "dm-reverb died in case '%s'\n", name.c_str());
    std::exit(1);
  }
  return rows / elapsed;
}

}  // namespace estuary::benchmarks
