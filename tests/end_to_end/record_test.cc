// `estuary robot record`: somebody steers the emulated robot over the bridge, and a dataset comes
// of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "common/hdf5/file.h"
#include "estuary/v1/transition.pb.h"
#include "tests/end_to_end/harness.h"

namespace estuary::end_to_end {
namespace {

using ::testing::HasSubstr;

template <typename T>
std::vector<T> Column(const std::string& path, const std::string& name) {
  const auto file = hdf5::File::Open(path);
  EXPECT_TRUE(file.ok()) << file.status();
  auto array = file->Read<T>(name);
  EXPECT_TRUE(array.ok()) << array.status();
  return array->values;
}

// Every row that the next one does not go on from says so.
void ExpectMarkedCuts(const std::string& path) {
  const auto observations = Column<float>(path, "/observations");
  const auto next = Column<float>(path, "/next_observations");
  const auto terminals = Column<uint8_t>(path, "/terminals");
  const auto timeouts = Column<uint8_t>(path, "/timeouts");
  const auto episodes = Column<uint32_t>(path, "/infos/episode");
  const size_t rows = terminals.size();
  for (size_t i = 0; i < rows; ++i) {
    const bool goes_on = i + 1 < rows && episodes[i] == episodes[i + 1] &&
                         std::equal(&next[4 * i], &next[4 * i] + 4, &observations[4 * (i + 1)]);
    EXPECT_EQ(goes_on, terminals[i] == 0 && timeouts[i] == 0) << "row " << i;
    EXPECT_FALSE(terminals[i] != 0 && timeouts[i] != 0) << "row " << i;
    // The fall is where the task says: beyond 0.35 rad.
    EXPECT_EQ(std::abs(next[4 * i]) > 0.35f, terminals[i] != 0) << "row " << i;
  }
}

TEST(Record, AScriptedOperatorFillsADatasetThatTrainingTakes) {
  const std::string folder = TestFolder();
  const Result result =
      Estuary(folder, {"robot", "record", "--operator=scripted", "--transitions=3000",
                       "--episode_seconds=2", "--output=recorded.h5"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("recorded.h5: 3,000 transitions"));
  const std::string path = folder + "/recorded.h5";
  const auto source = Column<uint8_t>(path, "/infos/source");
  ASSERT_EQ(source.size(), 3000u);
  const auto by = [&](v1::TransitionSource who) {
    return std::count(source.begin(), source.end(), static_cast<uint8_t>(who));
  };
  EXPECT_GT(by(v1::TRANSITION_SOURCE_OPERATOR), 2000);
  EXPECT_EQ(by(v1::TRANSITION_SOURCE_OPERATOR) + by(v1::TRANSITION_SOURCE_FALLBACK), 3000);
  ExpectMarkedCuts(path);
  const auto timeouts = Column<uint8_t>(path, "/timeouts");
  const auto terminals = Column<uint8_t>(path, "/terminals");
  EXPECT_GE(std::count(timeouts.begin(), timeouts.end(), 1) +
                std::count(terminals.begin(), terminals.end(), 1),
            5)
      << "an episode has two seconds at most";
  const Result described = Estuary(folder, {"dataset", "describe", "recorded.h5"});
  EXPECT_EQ(described.code, 0) << described.err;
  EXPECT_THAT(described.out, HasSubstr("rows of 4 observations"));
  const Result again = Estuary(folder, {"robot", "record", "--output=recorded.h5"});
  EXPECT_EQ(again.code, 1);
  EXPECT_THAT(again.err, HasSubstr("'recorded.h5' exists; --overwrite replaces it"));
}

TEST(Record, SaysWhatIsMissing) {
  const std::string folder = TestFolder();
  const auto says = [&](std::vector<std::string> words, const std::string& part) {
    words.insert(words.begin(), {"robot", "record"});
    const Result result = Estuary(folder, words);
    EXPECT_NE(result.code, 0);
    EXPECT_THAT(result.err, HasSubstr(part));
  };
  says({}, "--output=FILE is needed");
  says({"--output=x.h5", "--task=half_pipe"}, "half_pipe");
  says({"--output=x.h5", "--transitions=0"}, "--transitions is 0");
  says({"--output=x.h5", "--bridge=unix:/no/bridge.sock"}, "give --bridge and --replay together");
  says({"--output=x.h5", "--operator=telepathy"}, "scripted, keyboard or gamepad");
  says({"--output=x.h5", "--operator=keyboard"}, "needs a terminal");
  says({"--output=x.h5", "--operator=gamepad", "--device=/no/such/js0"}, "/no/such/js0");
  says({"--output=x.h5", "--bridge=unix:/no/bridge.sock", "--replay=unix:/no/replay.sock"},
       "unix:/no/replay.sock");
  EXPECT_FALSE(Exists(folder + "/x.h5"));
}

// The command at a terminal of its own, whose keys the test presses.
TEST(Record, APersonSteersWithTheKeysOfATerminal) {
  const std::string folder = TestFolder();
  int terminal = -1;
  const pid_t pid = forkpty(&terminal, nullptr, nullptr, nullptr);
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    if (chdir(folder.c_str()) != 0) _exit(126);
    execl(ESTUARY_BIN_DIR "/estuary", "estuary", "robot", "record", "--operator=keyboard",
          "--transitions=600", "--output=keys.h5", nullptr);
    _exit(126);
  }
  int status = 0;
  const absl::Time deadline = absl::Now() + absl::Seconds(90);
  bool ended = false;
  bool forward = false;
  std::string said;
  while (!ended && absl::Now() < deadline) {
    // Forth and back, a little at a time.
    forward = !forward;
    ASSERT_GT(write(terminal, forward ? "\x1b[A" : "\x1b[B", 3), 0);
    char bytes[4096];
    fd_set ready;
    timeval wait = {.tv_sec = 0, .tv_usec = 100'000};
    FD_ZERO(&ready);
    FD_SET(terminal, &ready);
    while (select(terminal + 1, &ready, nullptr, nullptr, &wait) > 0) {
      const ssize_t count = read(terminal, bytes, sizeof(bytes));
      if (count <= 0) break;
      said.append(bytes, static_cast<size_t>(count));
      wait = {.tv_sec = 0, .tv_usec = 50'000};
    }
    ended = waitpid(pid, &status, WNOHANG) == pid;
  }
  if (!ended) {
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
  }
  close(terminal);
  ASSERT_TRUE(ended && WIFEXITED(status) && WEXITSTATUS(status) == 0) << said;
  EXPECT_THAT(said, HasSubstr("arrow keys steer"));
  const auto source = Column<uint8_t>(folder + "/keys.h5", "/infos/source");
  ASSERT_EQ(source.size(), 600u);
  EXPECT_GT(std::count(source.begin(), source.end(),
                       static_cast<uint8_t>(v1::TRANSITION_SOURCE_OPERATOR)),
            300);
}

}  // namespace
}  // namespace estuary::end_to_end
