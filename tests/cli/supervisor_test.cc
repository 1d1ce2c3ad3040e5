#include "cli/cluster/supervisor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/process/files.h"

namespace estuary::cli {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class SupervisorTest : public ::testing::Test {
 protected:
  SupervisorTest() {
    folder_ = absl::StrCat(::testing::TempDir(), "supervisor_",
                           ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    options_.deaths_in_a_row = 3;
    options_.first_backoff = absl::Milliseconds(10);
    options_.longest_backoff = absl::Milliseconds(20);
    options_.grace = absl::Seconds(20);
    options_.say = [this](const std::string& line) { said_.push_back(line); };
  }

  // A child that runs a shell script; $F is the test's folder.
  ChildSpec Script(const std::string& name, const std::string& script) {
    return {.name = name,
            .argv = {"/bin/sh", "-c", absl::StrCat("F=", folder_, "; ", script)},
            .restart_argv = nullptr,
            .log_path = absl::StrCat(folder_, "/", name, ".log")};
  }

  // Polls until `done` or an error; generous, since only a broken supervisor waits long.
  absl::Status PollUntil(Supervisor& supervisor, const std::function<bool()>& done) {
    const absl::Time deadline = absl::Now() + absl::Seconds(30);
    while (absl::Now() < deadline) {
      const absl::Status status = supervisor.Poll();
      if (!status.ok()) return status;
      if (done()) return absl::OkStatus();
      absl::SleepFor(absl::Milliseconds(5));
    }
    return absl::DeadlineExceededError("the supervisor did not get there");
  }

  std::string Content(const std::string& file) {
    return process::ReadFile(absl::StrCat(folder_, "/", file)).value_or("");
  }

  std::string folder_;
  Supervisor::Options options_;
  std::vector<std::string> said_;
};

TEST_F(SupervisorTest, LetsAChildFinish) {
  Supervisor supervisor(options_);
  ChildSpec spec = Script("learner", "echo ran >> $F/runs");
  spec.may_finish = true;
  supervisor.Add(spec);
  ASSERT_TRUE(supervisor.StartAll().ok());
  EXPECT_TRUE(PollUntil(supervisor, [&] { return supervisor.Finished("learner"); }).ok());
  EXPECT_EQ(supervisor.Restarts("learner"), 0);
  EXPECT_EQ(Content("runs"), "ran\n");
}

TEST_F(SupervisorTest, RestartsADeadChildWithItsRestartArguments) {
  Supervisor supervisor(options_);
  ChildSpec spec = Script("learner", "echo first >> $F/runs; exit 1");
  spec.restart_argv = [this] { return Script("", "echo resumed >> $F/runs").argv; };
  spec.may_finish = true;
  supervisor.Add(spec);
  ASSERT_TRUE(supervisor.StartAll().ok());
  EXPECT_TRUE(PollUntil(supervisor, [&] { return supervisor.Finished("learner"); }).ok());
  EXPECT_EQ(Content("runs"), "first\nresumed\n");
  EXPECT_THAT(said_, Contains(HasSubstr("learner ended with exit code 1; starting it again")));
}

TEST_F(SupervisorTest, RestartsAKilledChild) {
  Supervisor supervisor(options_);
  supervisor.Add(Script("actor", "sleep 1000"));
  ASSERT_TRUE(supervisor.StartAll().ok());
  const pid_t first = supervisor.Pid("actor");
  ASSERT_GT(first, 0);
  kill(first, SIGKILL);
  EXPECT_TRUE(PollUntil(supervisor, [&] {
                return supervisor.Restarts("actor") == 1 && supervisor.Pid("actor") > 0;
              }).ok());
  EXPECT_NE(supervisor.Pid("actor"), first);
  EXPECT_THAT(said_, Contains(HasSubstr("signal 9")));
}

TEST_F(SupervisorTest, TreatsAnUnexpectedCleanExitAsADeath) {
  Supervisor supervisor(options_);
  supervisor.Add(Script("replay", "exit 0"));
  ASSERT_TRUE(supervisor.StartAll().ok());
  const absl::Status status = PollUntil(supervisor, [] { return false; });
  EXPECT_THAT(std::string(status.message()), HasSubstr("replay ended with exit code 0, 3 times"));
}

TEST_F(SupervisorTest, WantsProofThatTheWorkIsDone) {
  Supervisor supervisor(options_);
  ChildSpec spec = Script("learner", "test -e $F/tried && echo > $F/policy; echo > $F/tried");
  spec.may_finish = true;
  spec.proof = folder_ + "/policy";
  supervisor.Add(spec);
  ASSERT_TRUE(supervisor.StartAll().ok());
  EXPECT_TRUE(PollUntil(supervisor, [&] { return supervisor.Finished("learner"); }).ok());
  EXPECT_EQ(supervisor.Restarts("learner"), 1);
}

TEST_F(SupervisorTest, LetsGoOfWhoeverEndsAfterTheWork) {
  Supervisor supervisor(options_);
  supervisor.Add(Script("actor", "while ! test -e $F/done; do sleep 0.01; done; exit 1"));
  ASSERT_TRUE(supervisor.StartAll().ok());
  supervisor.LetGo();
  std::ofstream(folder_ + "/done") << "1";
  EXPECT_TRUE(PollUntil(supervisor, [&] { return supervisor.Pid("actor") == 0; }).ok());
  absl::SleepFor(absl::Milliseconds(50));
  EXPECT_TRUE(supervisor.Poll().ok());
  EXPECT_EQ(supervisor.Pid("actor"), 0);
  EXPECT_EQ(supervisor.Restarts("actor"), 0);
}

TEST_F(SupervisorTest, GivesUpAfterTooManyDeathsAndQuotesTheLog) {
  Supervisor supervisor(options_);
  supervisor.Add(
      Script("actor", R"(echo '{"level":"error","message":"port 5001 is in use"}' >&2; exit 1)"));
  ASSERT_TRUE(supervisor.StartAll().ok());
  const absl::Status status = PollUntil(supervisor, [] { return false; });
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("3 times in a row"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("error: port 5001 is in use"));
  EXPECT_EQ(supervisor.Restarts("actor"), 2);
}

TEST_F(SupervisorTest, DoesNotRetryBadInput) {
  Supervisor supervisor(options_);
  supervisor.Add(Script("actor", "echo 'no such task' >&2; exit 2"));
  ASSERT_TRUE(supervisor.StartAll().ok());
  const absl::Status status = PollUntil(supervisor, [] { return false; });
  EXPECT_THAT(std::string(status.message()), HasSubstr("exit code 2"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("no such task"));
  EXPECT_EQ(supervisor.Restarts("actor"), 0);
}

TEST_F(SupervisorTest, EndsTheHighestStageFirst) {
  Supervisor supervisor(options_);
  for (const auto& [name, stage] :
       std::vector<std::pair<std::string, int>>{{"replay", 0}, {"learner", 1}, {"actor", 2}}) {
    ChildSpec spec =
        Script(name, absl::StrCat("trap 'echo ", name, " >> $F/ends; exit 0' TERM; echo > $F/up-",
                                  name, "; while :; do sleep 0.02; done"));
    spec.stage = stage;
    supervisor.Add(spec);
  }
  ASSERT_TRUE(supervisor.StartAll().ok());
  ASSERT_TRUE(PollUntil(supervisor, [&] {
                return !Content("up-replay").empty() && !Content("up-learner").empty() &&
                       !Content("up-actor").empty();
              }).ok());
  supervisor.Stop();
  EXPECT_EQ(Content("ends"), "actor\nlearner\nreplay\n");
}

TEST_F(SupervisorTest, KillsWhoDoesNotEnd) {
  options_.grace = absl::Milliseconds(50);
  Supervisor supervisor(options_);
  supervisor.Add(Script("actor", "trap '' TERM; echo > $F/up; while :; do sleep 0.02; done"));
  ASSERT_TRUE(supervisor.StartAll().ok());
  ASSERT_TRUE(PollUntil(supervisor, [&] { return !Content("up").empty(); }).ok());
  const pid_t pid = supervisor.Pid("actor");
  supervisor.Stop();
  EXPECT_THAT(said_, Contains(HasSubstr("actor did not end within")));
  EXPECT_EQ(kill(pid, 0), -1);
}

TEST_F(SupervisorTest, NamesABinaryThatIsNotThere) {
  Supervisor supervisor(options_);
  ChildSpec spec = Script("actor", "");
  spec.argv = {"/no/such/binary"};
  supervisor.Add(spec);
  const absl::Status status = supervisor.StartAll();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/no/such/binary"));
}

TEST_F(SupervisorTest, LeavesNoChildWhenItIsKilledItself) {
  const pid_t supervising = fork();
  if (supervising == 0) {
    Supervisor supervisor(options_);
    supervisor.Add(Script("actor", "echo $$ > $F/pid.new; mv $F/pid.new $F/pid; sleep 1000"));
    if (!supervisor.StartAll().ok()) _exit(1);
    while (true) pause();
  }
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  while (Content("pid").empty() && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(5));
  int actor = 0;
  ASSERT_TRUE(absl::SimpleAtoi(Content("pid"), &actor));
  kill(supervising, SIGKILL);
  waitpid(supervising, nullptr, 0);
  // Gone, or a zombie that waits for whoever reaps orphans here.
  const auto alive = [&] {
    const std::string stat = process::ReadFile(absl::StrCat("/proc/", actor, "/stat")).value_or("");
    return !stat.empty() && stat.find(") Z") == std::string::npos;
  };
  while (alive() && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(5));
  EXPECT_FALSE(alive());
}

TEST(LogTail, TurnsJsonLinesIntoText) {
  const std::string path = ::testing::TempDir() + "log_tail.log";
  std::ofstream(path) << "+ estuary-actor --index=0\n"
                         R"({"time":"t","level":"info","process":"a","message":"one"})"
                         "\nplain\n{broken\n";
  EXPECT_EQ(LogTail(path, 2), "plain\n{broken");
  EXPECT_EQ(LogTail(path, 9), "info: one\nplain\n{broken");
  EXPECT_EQ(LogTail("/no/such/log", 3), "");
}

}  // namespace
}  // namespace estuary::cli
