// A robot is driven while a training runs: what it records joins the training's data at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "tests/actors/child_process.h"
#include "tests/end_to_end/harness.h"

namespace estuary::end_to_end {
namespace {

using actor::testing::ChildProcess;
using ::testing::HasSubstr;

// The cluster's shard map, from the line that says how to watch it.
std::string ShardsOf(const std::string& err) {
  std::smatch match;
  const bool found =
      std::regex_search(err, match, std::regex("(unix:/tmp/estuary-[A-Za-z0-9]{6})/"));
  return found ? absl::StrCat(match[1].str(), "/replay-0.sock,", match[1].str(), "/replay-1.sock")
               : "";
}

// Of the run's newest line of metrics; 0 before the first.
uint64_t Newest(const std::string& run, const std::string& metric) {
  const std::string text = ReadFile(run + "/metrics.jsonl");
  const std::vector<std::string> lines = absl::StrSplit(text, '\n', absl::SkipEmpty());
  if (lines.empty()) return 0;
  const auto line = nlohmann::json::parse(lines.back(), nullptr, /*allow_exceptions=*/false);
  return line.is_object() ? line.value(metric, uint64_t{0}) : 0;
}

TEST(Extend, ARobotThatIsDrivenMeanwhileFeedsTheTraining) {
  const std::string folder = TestFolder();
  MakeDataset(folder, "real.h5");
  WriteFile(folder + "/tiny.textproto",
            absl::StrReplaceAll(TinyExperiment("h2o", 200'000),
                                {{"path: 'real.h5'", "path: 'real.h5' extend: true"}}));
  Command run(folder, {"train", "tiny.textproto"});
  ASSERT_TRUE(run.WaitUntil([&] { return NewestCheckpoint(folder + "/runs/tiny") >= 400; }))
      << run.err();
  const std::string shards = ShardsOf(run.err());
  ASSERT_FALSE(shards.empty()) << run.err();
  const std::string address = absl::StrCat("unix:", folder, "/bridge.sock");
  ChildProcess bridge({ESTUARY_BIN_DIR "/estuary-bridge", "--listen=" + address,
                       "--replay=" + shards, "--spool_dir=" + folder + "/spool"},
                      folder + "/bridge.log");
  ChildProcess robot({ESTUARY_BIN_DIR "/estuary-robot", "--bridge=" + address, "--seconds=1000"},
                     folder + "/robot.log");
  ASSERT_TRUE(run.WaitUntil([&] {
    return Estuary(folder, {"robot", "arm", "--bridge=" + address}).code == 0;
  })) << bridge.Output()
      << robot.Output();
  // A second's worth and more of driving is learned from while it goes on.
  EXPECT_TRUE(run.WaitUntil([&] {
    return Newest(folder + "/runs/tiny", "real_rows_added") >= 300;
  })) << bridge.Output()
      << run.err();
  EXPECT_EQ(Newest(folder + "/runs/tiny", "real_rows"),
            4000 + Newest(folder + "/runs/tiny", "real_rows_added"));
  run.Signal(SIGINT);
  run.Wait(absl::Seconds(60));
}

TEST(Extend, IsRefusedWhereEveryRunMustBeTheSame) {
  const std::string folder = TestFolder();
  MakeDataset(folder, "real.h5");
  WriteFile(folder + "/tiny.textproto",
            absl::StrReplaceAll(TinyExperiment("h2o", 2000, "deterministic: true"),
                                {{"path: 'real.h5'", "path: 'real.h5' extend: true"}}));
  const Result result = Estuary(folder, {"train", "tiny.textproto"});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("deterministic: true needs the same D in every run"));
  EXPECT_FALSE(Exists(folder + "/runs"));
}

}  // namespace
}  // namespace estuary::end_to_end
