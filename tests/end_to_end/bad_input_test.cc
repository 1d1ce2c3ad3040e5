// Bad input: one clear line that names the thing and the way out, an exit code that is not 0,
// nothing started and nothing lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/hdf5/file.h"
#include "tests/end_to_end/harness.h"

namespace estuary::end_to_end {
namespace {

using ::testing::HasSubstr;

class BadInput : public ::testing::Test {
 protected:
  BadInput() : folder_(TestFolder()) {}

  void Experiment(const std::string& text) { WriteFile(folder_ + "/bad.textproto", text); }

  // Runs it; expects failure, one line, and that the line holds `part`; no run folder.
  void ExpectRefused(const std::vector<std::string>& arguments, const std::string& part,
                     int code = 2) {
    const Result result = Estuary(folder_, arguments);
    EXPECT_EQ(result.code, code) << result.err;
    EXPECT_THAT(result.err, HasSubstr("estuary: error: "));
    EXPECT_THAT(result.err, HasSubstr(part));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_FALSE(Exists(folder_ + "/runs"));
  }

  std::string folder_;
};

TEST_F(BadInput, AnUnknownFlag) {
  ExpectRefused({"train", "x.textproto", "--seeed=1"},
                "unknown flag --seeed; did you mean --seed?");
}

TEST_F(BadInput, AnUnknownCommand) {
  ExpectRefused({"tarin"}, "unknown command 'tarin'; did you mean estuary train?");
}

TEST_F(BadInput, AMissingExperiment) {
  ExpectRefused({"train", "missing.textproto"}, "missing.textproto", 1);
}

TEST_F(BadInput, AnUnknownField) {
  Experiment("name: 'x'\ntask: 'wheel_legged_stand'\nalgoritm { name: 'sac' }\n");
  ExpectRefused({"train", "bad.textproto"}, "bad.textproto:3:");
  ExpectRefused({"train", "bad.textproto"}, "algoritm");
}

TEST_F(BadInput, AnUnknownAlgorithm) {
  Experiment("name: 'x' task: 'wheel_legged_stand' algorithm { name: 'h20' }");
  ExpectRefused({"train", "bad.textproto"}, "algorithm.name is 'h20'");
}

TEST_F(BadInput, AnUnknownTask) {
  Experiment("name: 'x' task: 'wheel_legged_fly' algorithm { name: 'sac' }");
  ExpectRefused({"train", "bad.textproto"}, "wheel_legged_fly", 1);
}

TEST_F(BadInput, AMissingDataset) {
  Experiment(TinyExperiment("h2o"));
  ExpectRefused({"train", "bad.textproto"}, "estuary dataset generate wheel_legged_stand", 1);
}

TEST_F(BadInput, ADatasetOfAnotherTask) {
  Experiment(TinyExperiment("h2o"));
  const Result made = Estuary(folder_, {"dataset", "generate", "wheel_legged_move",
                                        "--output=real.h5", "--transitions=500"});
  ASSERT_EQ(made.code, 0) << made.err;
  ExpectRefused({"train", "bad.textproto"}, "holds observations of 3 and actions of 1");
}

TEST_F(BadInput, ADatasetWithWrongShapes) {
  Experiment(TinyExperiment("h2o"));
  MakeDataset(folder_, "good.h5");
  auto good = hdf5::File::Open(folder_ + "/good.h5");
  ASSERT_TRUE(good.ok());
  auto bad = hdf5::File::Create(folder_ + "/real.h5");
  ASSERT_TRUE(bad.ok());
  for (const std::string name : {"observations", "next_observations", "actions"}) {
    const auto array = good->Read<float>(name);
    ASSERT_TRUE(bad->Write<float>(name, array->shape, array->values).ok());
  }
  ASSERT_TRUE(bad->Write<float>("rewards", {10}, std::vector<float>(10)).ok());
  ASSERT_TRUE(bad->Write<uint8_t>("terminals", {4000}, std::vector<uint8_t>(4000)).ok());
  ASSERT_TRUE(bad->Close().ok());
  ExpectRefused({"train", "bad.textproto"}, "rewards");
}

TEST_F(BadInput, ADatasetWithANan) {
  Experiment(TinyExperiment("h2o"));
  MakeDataset(folder_, "real.h5");
  auto file = hdf5::File::OpenForWriting(folder_ + "/real.h5");
  ASSERT_TRUE(file.ok());
  const std::vector<float> nan = {std::nanf("")};
  ASSERT_TRUE(file->WriteRows<float>("rewards", 1234, 1, nan).ok());
  ASSERT_TRUE(file->Close().ok());
  ExpectRefused({"train", "bad.textproto"}, "row 1234: rewards[0] is nan");
}

TEST_F(BadInput, AFileThatIsNoDataset) {
  Experiment(TinyExperiment("h2o"));
  WriteFile(folder_ + "/real.h5", "this is no HDF5");
  ExpectRefused({"train", "bad.textproto"}, "real.h5");
  ExpectRefused({"dataset", "describe", "real.h5"}, "real.h5");
}

TEST_F(BadInput, APolicyFileThatIsNone) {
  WriteFile(folder_ + "/policy.pb", "this is no policy");
  for (const char* command : {"evaluate", "drive"}) {
    const Result result = Estuary(folder_, {command, "policy.pb"});
    EXPECT_NE(result.code, 0);
    EXPECT_THAT(result.err, HasSubstr("policy.pb"));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  }
}

TEST_F(BadInput, AnUnreachablePeer) {
  const Result status = Estuary(folder_, {"status", "--replay=127.0.0.1:1"});
  EXPECT_NE(status.code, 0);
  EXPECT_THAT(status.err, HasSubstr("127.0.0.1:1"));
  const Result robot = Estuary(folder_, {"robot", "arm", "--bridge=unix:/no/bridge.sock"});
  EXPECT_NE(robot.code, 0);
  EXPECT_THAT(robot.err, HasSubstr("unix:/no/bridge.sock"));
}

TEST_F(BadInput, APortInUse) {
  const int taken = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(taken, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(taken, 1), 0);
  ASSERT_EQ(getsockname(taken, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::string port = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
  Experiment(TinyExperiment("sac"));
  const Result result = Estuary(folder_, {"train", "bad.textproto", "--metrics=" + port});
  close(taken);
  EXPECT_NE(result.code, 0);
  EXPECT_THAT(result.err, HasSubstr(port));
  EXPECT_THAT(result.err, HasSubstr("replay-0"));
  // Nothing was trained, so the same command works once the port is free.
  EXPECT_FALSE(Exists(folder_ + "/runs/tiny/final_policy.pb"));
}

}  // namespace
}  // namespace estuary::end_to_end
