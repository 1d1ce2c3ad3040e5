#include "tests/end_to_end/harness.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"

namespace estuary::end_to_end {
namespace {

namespace fs = std::filesystem;

const char kBinary[] = ESTUARY_BIN_DIR "/estuary";

std::string CommandLine(const std::string& pid) {
  return absl::StrReplaceAll(ReadFile(absl::StrCat("/proc/", pid, "/cmdline")),
                             {{std::string(1, '\0'), " "}});
}

pid_t ParentOf(const std::string& pid) {
  const std::string stat = ReadFile(absl::StrCat("/proc/", pid, "/stat"));
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream rest(stat.substr(name_end + 1));
  std::string state;
  pid_t parent = 0;
  rest >> state >> parent;
  return parent;
}

std::vector<pid_t> Processes(const std::function<bool(const std::string& pid)>& wanted) {
  std::vector<pid_t> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename().string();
    int pid = 0;
    if (absl::SimpleAtoi(name, &pid) && wanted(name)) found.push_back(pid);
  }
  return found;
}

}  // namespace

Command::Command(const std::string& folder, const std::vector<std::string>& arguments)
    : folder_(folder) {
  static int runs = 0;
  out_path_ = absl::StrCat(folder, "/out-", runs);
  err_path_ = absl::StrCat(folder, "/err-", runs);
  ++runs;
  std::vector<std::string> words = {kBinary};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
    setpgid(0, 0);
    const int out = open(out_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    const int err = open(err_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    if (chdir(folder_.c_str()) == 0) execv(kBinary, argv.data());
    _exit(126);
  }
}

Command::~Command() {
  if (Ended()) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, &status_, 0);
}

bool Command::Ended() {
  if (!ended_) ended_ = waitpid(pid_, &status_, WNOHANG) == pid_;
  return ended_;
}

Result Command::Wait(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  while (!Ended() && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(20));
  Result result;
  if (ended_ && WIFEXITED(status_)) result.code = WEXITSTATUS(status_);
  result.out = ReadFile(out_path_);
  result.err = ReadFile(err_path_);
  return result;
}

bool Command::WaitUntil(const std::function<bool()>& done) {
  const absl::Time deadline = absl::Now() + absl::Minutes(1);
  while (absl::Now() < deadline) {
    if (done()) return true;
    if (Ended()) return false;
    absl::SleepFor(absl::Milliseconds(20));
  }
  return false;
}

void Command::Signal(int signal) { kill(pid_, signal); }

std::string Command::err() const { return ReadFile(err_path_); }

std::vector<pid_t> Command::Children(const std::string& what) const {
  return Processes([&](const std::string& pid) {
    return ParentOf(pid) == pid_ && CommandLine(pid).find(what) != std::string::npos;
  });
}

std::string TestFolder() {
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  std::string folder =
      absl::StrCat(::testing::TempDir(), "end_to_end_", test->test_suite_name(), "_", test->name());
  fs::remove_all(folder);
  fs::create_directories(folder);
  return folder;
}

Result Estuary(const std::string& folder, const std::vector<std::string>& arguments) {
  return Command(folder, arguments).Wait();
}

std::vector<pid_t> ProcessesWith(const std::string& text) {
  const std::string self = absl::StrCat(getpid());
  return Processes([&](const std::string& pid) {
    return pid != self && CommandLine(pid).find(text) != std::string::npos;
  });
}

void MakeDataset(const std::string& folder, const std::string& name) {
  const Result made = Estuary(folder, {"dataset", "generate", "wheel_legged_stand",
                                       "--output=" + name, "--transitions=4000"});
  ASSERT_EQ(made.code, 0) << made.err;
}

std::string TinyExperiment(const std::string& algorithm, int steps, const std::string& extra) {
  return absl::StrCat(
      "name: 'tiny' task: 'wheel_legged_stand'\n",
      algorithm == "sac" ? "" : "dataset { path: 'real.h5' }\n", "algorithm { name: '", algorithm,
      "' }\n",
      "networks { hidden: [32, 32] discriminator_hidden: [32, 32] "
      "observation_scale: [5, 1, 2, 2] }\n"
      "optimizer { batch_size: 64 reward_scale: 0.0033 }\n"
      "exploration { random_steps: 200 }\n"
      "budget { environment_steps: ",
      steps, " gradient_steps: ", steps,
      " environment_steps_per_epoch: 200 gradient_steps_per_epoch: 200 checkpoint_every: 200 }\n"
      "evaluation { every_epochs: 5 episodes: 1 sim_episodes: 1 }\n",
      extra);
}

void WriteFile(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

int NewestCheckpoint(const std::string& run_dir) {
  int newest = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(run_dir + "/checkpoints", error)) {
    int step = 0;
    const std::string name = entry.path().filename().string();
    if (name.rfind("step-", 0) == 0 && absl::SimpleAtoi(name.substr(5), &step)) {
      newest = std::max(newest, step);
    }
  }
  return newest;
}

bool Exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

}  // namespace estuary::end_to_end
