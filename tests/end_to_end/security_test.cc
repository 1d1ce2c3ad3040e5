// Every process over TCP with certificates: what a lab's machines do, on one machine.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/process/textproto.h"
#include "estuary/v1/replay.pb.h"
#include "robot_bridge/tasks.h"
#include "tests/actors/child_process.h"
#include "tests/end_to_end/harness.h"

namespace estuary::end_to_end {
namespace {

namespace fs = std::filesystem;
using actor::testing::ChildProcess;
using ::testing::AllOf;
using ::testing::HasSubstr;

// Free a moment ago, and nobody else here asks for ports.
int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(name);
  EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&name), size), 0);
  getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size);
  close(fd);
  return ntohs(name.sin_port);
}

std::string At(int port) { return absl::StrCat("127.0.0.1:", port); }

// TCP ports that this process listens at, and UDP ports that it is bound to.
std::set<int> ListeningPorts(pid_t pid) {
  std::set<std::string> sockets;
  std::error_code error;
  for (const auto& fd : fs::directory_iterator(absl::StrCat("/proc/", pid, "/fd"), error)) {
    const std::string target = fs::read_symlink(fd.path(), error).string();
    std::smatch match;
    if (std::regex_match(target, match, std::regex("socket:\\[(\\d+)\\]")))
      sockets.insert(match[1]);
  }
  std::set<int> ports;
  for (const std::string table :
       {"/proc/net/tcp", "/proc/net/tcp6", "/proc/net/udp", "/proc/net/udp6"}) {
    std::ifstream lines(table);
    std::string line;
    while (std::getline(lines, line)) {
      std::istringstream words(line);
      std::string slot, local, remote, state, queues, timer, retransmits, uid, timeout, inode;
      words >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> uid >>
          timeout >> inode;
      const bool is_udp = table.find("udp") != std::string::npos;
      if ((is_udp || state == "0A") && sockets.count(inode) > 0) {
        ports.insert(std::stoi(local.substr(local.rfind(':') + 1), nullptr, 16));
      }
    }
  }
  return ports;
}

class Security : public ::testing::Test {
 protected:
  Security() : folder_(TestFolder()) {
    unsetenv("ESTUARY_TLS");
    Run({"certs", "init", "--output=authority", "--name=lab"});
    for (const std::string role :
         {"replay", "learner", "actor", "evaluator", "bridge", "robot", "operator", "viewer"}) {
      Run({"certs", "issue", "--authority=authority", "--role=" + role, "--ip=127.0.0.1",
           "--output=" + role});
    }
    WriteTables();
    MakeDataset(folder_, "real.h5");
  }

  void Run(const std::vector<std::string>& arguments) {
    const Result result = Estuary(folder_, arguments);
    ASSERT_EQ(result.code, 0) << result.err;
  }

  Result As(const std::string& role, std::vector<std::string> arguments) {
    arguments.push_back("--tls=" + folder_ + "/" + role);
    return Estuary(folder_, arguments);
  }

  void WriteTables() {
    const transition::Schema real = bridge::FindRobotTask("wheel_legged_stand")->Schema();
    v1::TableConfigs configs;
    v1::TableConfig& table = *configs.add_tables();
    table.set_name("real");
    *table.mutable_schema() = real.proto();
    table.set_capacity(100'000);
    table.set_remover(v1::REMOVER_NONE);
    table.set_durability(v1::DURABILITY_DISK);
    v1::TableConfig& sim = *configs.add_tables();
    sim.set_name("sim");
    *sim.mutable_schema() =
        transition::Schema::Standard(real.task(), real.observation_dim(), real.action_dim(),
                                     real.proto().control_period_us())
            .proto();
    sim.set_capacity(100'000);
    sim.set_remover(v1::REMOVER_FIFO);
    sim.set_durability(v1::DURABILITY_MEMORY);
    WriteFile(folder_ + "/tables.textproto", process::ToTextProto(configs));
  }

  // Of the dataset the learner needs to know only how many rows to wait for.
  void WriteExperiment() {
    WriteFile(folder_ + "/tiny.textproto",
              absl::StrReplaceAll(TinyExperiment("h2o", 400),
                                  {{"path: 'real.h5'", "path: 'real.h5' transitions: 4000"}}));
  }

  // One process with the certificate of `role`, or of none.
  void Start(const std::string& name, const std::string& role, std::vector<std::string> flags) {
    flags.insert(flags.begin(), absl::StrCat(ESTUARY_BIN_DIR "/estuary-", name));
    if (!role.empty()) flags.push_back("--tls=" + folder_ + "/" + role);
    processes_[role] = std::make_unique<ChildProcess>(flags, folder_ + "/" + role + ".log");
  }
  void StartReplay() {
    Start("replay", "replay",
          {"--listen=" + At(replay_), "--table_config=" + folder_ + "/tables.textproto",
           "--data_dir=" + folder_ + "/replay_data", "--metrics=" + At(replay_metrics_)});
  }

  template <class Condition>
  bool Soon(const Condition& condition) {
    for (int i = 0; i < 600; ++i) {
      if (condition()) return true;
      absl::SleepFor(absl::Milliseconds(200));
    }
    return false;
  }
  std::string Logs() const {
    std::string all;
    for (const auto& [role, process] : processes_) {
      absl::StrAppend(&all, "== ", role, "\n", process->Output(), "\n");
    }
    return all;
  }

  const std::string folder_;
  const int replay_ = FreePort();
  const int replay_metrics_ = FreePort();
  const int learner_ = FreePort();
  const int bridge_ = FreePort();
  std::map<std::string, std::unique_ptr<ChildProcess>> processes_;
};

TEST_F(Security, AClusterTrainsAndDrivesOverTcpWithCertificates) {
  WriteExperiment();
  StartReplay();
  Start("learner", "learner",
        {"--listen=" + At(learner_), "--replay=" + At(replay_), "--run_dir=" + folder_ + "/run",
         "--experiment=" + folder_ + "/tiny.textproto"});
  Start("bridge", "bridge",
        {"--listen=" + At(bridge_), "--learner=" + At(learner_), "--replay=" + At(replay_),
         "--spool_dir=" + folder_ + "/spool", "--realtime_priority=0"});
  Start("robot", "robot",
        {"--bridge=" + At(bridge_), "--seconds=2", "--episodes=100", "--realtime_priority=0"});

  Start("actor", "evaluator", {"--role=evaluate", "--learner=" + At(learner_)});
  // Before there are rows to train on: a learner that nobody evaluates would not wait for it.
  ASSERT_TRUE(Soon([&] {
    return processes_["learner"]->Output().find("subscribed for evaluations") != std::string::npos;
  })) << Logs();

  // A person with another certificate may look, not touch; without one, not even that.
  const std::string bridge_flag = "--bridge=" + At(bridge_);
  ASSERT_TRUE(Soon([&] {
    return As("viewer", {"robot", "status", bridge_flag}).code == 0;
  })) << Logs();
  const Result viewer = As("viewer", {"robot", "arm", bridge_flag});
  EXPECT_NE(viewer.code, 0);
  EXPECT_THAT(viewer.err, AllOf(HasSubstr("viewer 'viewer' may not call RobotOperator.Arm"),
                                HasSubstr("operator")));
  EXPECT_NE(Estuary(folder_, {"robot", "status", bridge_flag}).code, 0);
  EXPECT_NE(Estuary(folder_, {"status", "--replay=" + At(replay_)}).code, 0);

  setenv("ESTUARY_TLS", (folder_ + "/operator").c_str(), 1);
  const Result imported =
      Estuary(folder_, {"dataset", "import", "real.h5", "--replay=" + At(replay_)});
  EXPECT_EQ(imported.code, 0) << imported.err;
  Start("actor", "actor", {"--learner=" + At(learner_), "--replay=" + At(replay_)});
  EXPECT_TRUE(Soon([&] {
    return Estuary(folder_, {"robot", "arm", bridge_flag}).code == 0;
  })) << Logs();
  // Real transitions came through on top of the 4,000 of the dataset.
  EXPECT_TRUE(Soon([&] {
    const Result status = Estuary(folder_, {"robot", "status", bridge_flag});
    std::smatch match;
    return std::regex_search(status.out, match,
                             std::regex("recorded, ([1-9][0-9,]*) acknowledged"));
  })) << Logs();

  EXPECT_EQ(processes_["learner"]->Wait(absl::Minutes(3)), 0) << Logs();
  EXPECT_TRUE(Exists(folder_ + "/run/final_policy.pb"));
  EXPECT_EQ(processes_["actor"]->Wait(absl::Seconds(20)), 0) << Logs();
  EXPECT_EQ(processes_["evaluator"]->Wait(absl::Seconds(20)), 0) << Logs();
  EXPECT_THAT(ReadFile(folder_ + "/run/evaluations.jsonl"), HasSubstr("\"real\""));
  unsetenv("ESTUARY_TLS");
}

TEST_F(Security, NothingListensThatWasNotAskedFor) {
  WriteExperiment();
  StartReplay();
  Start("learner", "learner",
        {"--listen=" + At(learner_), "--replay=" + At(replay_), "--run_dir=" + folder_ + "/run",
         "--experiment=" + folder_ + "/tiny.textproto"});
  Start("bridge", "bridge", {"--listen=" + At(bridge_), "--realtime_priority=0"});
  Start("robot", "robot", {"--bridge=" + At(bridge_), "--realtime_priority=0"});
  Start("actor", "actor", {"--learner=" + At(learner_), "--replay=" + At(replay_)});
  const auto ports = [&](const std::string& role) {
    return ListeningPorts(processes_[role]->pid());
  };
  EXPECT_TRUE(Soon([&] { return !ports("learner").empty() && !ports("bridge").empty(); }))
      << Logs();
  EXPECT_EQ(ports("replay"), (std::set<int>{replay_, replay_metrics_}));
  EXPECT_EQ(ports("learner"), (std::set<int>{learner_}));
  EXPECT_EQ(ports("bridge"), (std::set<int>{bridge_}));
  EXPECT_EQ(ports("robot"), std::set<int>{});
  EXPECT_EQ(ports("actor"), std::set<int>{});
}

TEST_F(Security, AProcessWithBadCertificatesEndsWithTheReason) {
  const auto refusal = [&](const std::string& tls) {
    ChildProcess process({ESTUARY_BIN_DIR "/estuary-actor", "--learner=" + At(learner_),
                          "--replay=" + At(replay_), "--tls=" + tls},
                         folder_ + "/refused.log");
    EXPECT_NE(process.Wait(absl::Seconds(20)).value_or(0), 0);
    return process.Output();
  };
  EXPECT_THAT(refusal(folder_ + "/nowhere"), HasSubstr(folder_ + "/nowhere/ca.pem"));
  fs::copy_file(folder_ + "/robot/key.pem", folder_ + "/actor/key.pem",
                fs::copy_options::overwrite_existing);
  EXPECT_THAT(refusal(folder_ + "/actor"), HasSubstr("is not the key of"));
  EXPECT_EQ(Estuary(folder_, {"certs", "show", "robot"}).code, 0);
  EXPECT_NE(Estuary(folder_, {"certs", "show", "actor"}).code, 0);
}

TEST_F(Security, AnActorWithARobotsCertificateIsToldSo) {
  WriteFile(folder_ + "/tiny.textproto", TinyExperiment("sac", 400));
  StartReplay();
  Start("learner", "learner",
        {"--listen=" + At(learner_), "--replay=" + At(replay_), "--run_dir=" + folder_ + "/run",
         "--experiment=" + folder_ + "/tiny.textproto"});
  Start("actor", "robot", {"--learner=" + At(learner_), "--replay=" + At(replay_)});
  EXPECT_NE(processes_["robot"]->Wait(absl::Seconds(60)).value_or(0), 0) << Logs();
  EXPECT_THAT(processes_["robot"]->Output(),
              AllOf(HasSubstr("robot 'robot' may not append to table 'sim'"), HasSubstr("actor")));
}

}  // namespace
}  // namespace estuary::end_to_end
