// A whole cluster with a robot, scraped while it runs: every process shows what its catalogue says
// and nothing else, in valid exposition.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <regex>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "tests/actors/child_process.h"
#include "tests/end_to_end/exposition.h"
#include "tests/end_to_end/harness.h"

namespace estuary::end_to_end {
namespace {

using actor::testing::ChildProcess;
using ::testing::IsEmpty;

struct Scraped {
  std::string name;
  std::string binary;
  // The label that tells processes of this kind apart.
  std::string identity;
  int port = 0;
};

// The family that a sample is of: of a histogram, without its suffix.
std::string FamilyOf(const Exposition& exposition, const std::string& sample) {
  if (exposition.types.count(sample) > 0) return sample;
  for (const char* suffix : {"_bucket", "_sum", "_count"}) {
    const size_t end = sample.rfind(suffix);
    if (end == std::string::npos || end + std::string(suffix).size() != sample.size()) continue;
    const std::string stem = sample.substr(0, end);
    const auto found = exposition.types.find(stem);
    if (found != exposition.types.end() && found->second == "histogram") return stem;
  }
  return "";
}

void CheckAgainstCatalogue(const Exposition& exposition, const Scraped& process) {
  const std::map<std::string, CatalogueRow> catalogue = CatalogueOf(process.binary);
  EXPECT_THAT(exposition.odd, IsEmpty());
  for (const auto& [name, type] : exposition.types) {
    ASSERT_EQ(catalogue.count(name), 1u) << name << " has no entry";
    EXPECT_EQ(type, catalogue.at(name).type) << name;
    EXPECT_EQ(exposition.helps.at(name), catalogue.at(name).meaning);
  }
  for (const Sample& sample : exposition.samples) {
    const std::string family = FamilyOf(exposition, sample.name);
    ASSERT_FALSE(family.empty()) << sample.name << " is of no family";
    for (const auto& [label, value] : sample.labels) {
      EXPECT_TRUE(catalogue.at(family).labels.count(label) > 0 || label == "run" ||
                  label == process.identity || label == "le")
          << sample.name << " has the label " << label;
    }
    EXPECT_EQ(sample.labels.count("run"), 1u) << sample.name;
    if (!process.identity.empty()) {
      EXPECT_EQ(sample.labels.count(process.identity), 1u) << sample.name;
    }
  }
}

// Where scripts/setup put it, or where it is installed; without it this part is left out.
void CheckWithPromtool(const std::string& folder, const Scraped& process, const std::string& text) {
  const std::string own = ESTUARY_SOURCE_DIR "/.deps/prometheus/bin/promtool";
  const std::string tool = Exists(own) ? own : "promtool";
  if (std::system(absl::StrCat(tool, " --version > /dev/null 2>&1").c_str()) != 0) return;
  const std::string path = absl::StrCat(folder, "/", process.name, ".txt");
  WriteFile(path, text);
  EXPECT_EQ(
      std::system(absl::StrCat(tool, " check metrics < ", path, " > ", path, ".lint 2>&1").c_str()),
      0)
      << ReadFile(path + ".lint");
}

double Value(const Exposition& exposition, const std::string& name, const std::string& label = "",
             const std::string& value = "") {
  for (const Sample& sample : exposition.Named(name)) {
    const auto found = sample.labels.find(label);
    if (label.empty() || (found != sample.labels.end() && found->second == value)) {
      return sample.value;
    }
  }
  ADD_FAILURE() << name << "{" << label << "=" << value << "} is not there";
  return 0;
}

TEST(Metrics, OfARunningClusterAreThoseOfTheCatalogues) {
  const std::string folder = TestFolder();
  MakeDataset(folder, "real.h5");
  WriteFile(folder + "/tiny.textproto",
            absl::StrReplaceAll(TinyExperiment("h2o", 200'000, "cluster { actors: 2 }"),
                                {{"path: 'real.h5'", "path: 'real.h5' extend: true"}}));
  const int port = FreePorts(8);
  ASSERT_GT(port, 0);
  Command run(folder, {"train", "tiny.textproto", absl::StrCat("--metrics=127.0.0.1:", port)});
  ASSERT_TRUE(run.WaitUntil([&] { return NewestCheckpoint(folder + "/runs/tiny") >= 1000; }))
      << run.err();
  std::smatch match;
  const std::string err = run.err();
  ASSERT_TRUE(std::regex_search(err, match, std::regex("(unix:/tmp/estuary-[A-Za-z0-9]{6})/")));
  const std::string sockets = match[1];
  const std::string bridge_address = absl::StrCat("unix:", folder, "/bridge.sock");
  ChildProcess bridge(
      {ESTUARY_BIN_DIR "/estuary-bridge", "--listen=" + bridge_address,
       absl::StrCat("--replay=", sockets, "/replay-0.sock,", sockets, "/replay-1.sock"),
       absl::StrCat("--learner=", sockets, "/learner.sock"),
       absl::StrCat("--metrics=127.0.0.1:", port + 7), "--spool_dir=" + folder + "/spool"},
      folder + "/bridge.log");
  ChildProcess robot(
      {ESTUARY_BIN_DIR "/estuary-robot", "--bridge=" + bridge_address, "--seconds=1000"},
      folder + "/robot.log");
  ASSERT_TRUE(run.WaitUntil([&] {
    return Estuary(folder, {"robot", "arm", "--bridge=" + bridge_address}).code == 0 &&
           Estuary(folder, {"robot", "mode", "policy", "--bridge=" + bridge_address}).code == 0;
  })) << bridge.Output()
      << robot.Output();
  // In the order in which the cluster hands out ports.
  const std::vector<Scraped> processes = {
      {"replay-0", "estuary-replay", "shard", port},
      {"replay-1", "estuary-replay", "shard", port + 1},
      {"learner", "estuary-learner", "", port + 2},
      {"actor-0", "estuary-actor", "actor", port + 3},
      {"actor-1", "estuary-actor", "actor", port + 4},
      {"evaluator", "estuary-actor", "actor", port + 5},
      {"bridge", "estuary-bridge", "", port + 7},
  };
  // Everything has happened once: an evaluation, real rows on their way to the learner.
  ASSERT_TRUE(run.WaitUntil([&] {
    const Exposition learner = ParseExposition(Scrape(port + 2));
    const Exposition driven = ParseExposition(Scrape(port + 7));
    return !learner.Named("estuary_learner_evaluation_return_gap").empty() &&
           !driven.Named("estuary_bridge_policy_age_seconds").empty() &&
           Value(learner, "estuary_learner_real_rows_added_total") > 0;
  })) << run.err()
      << Scrape(port + 2);
  std::map<std::string, Exposition> all;
  for (const Scraped& process : processes) {
    SCOPED_TRACE(process.name);
    const std::string text = Scrape(process.port);
    ASSERT_FALSE(text.empty());
    all[process.name] = ParseExposition(text);
    CheckAgainstCatalogue(all[process.name], process);
    CheckWithPromtool(folder, process, text);
    EXPECT_GT(Value(all[process.name], "process_resident_memory_bytes"), 1e6);
    EXPECT_EQ(Value(all[process.name], "estuary_process_info"), 1);
  }
  const Exposition& learner = all["learner"];
  EXPECT_EQ(Value(learner, "estuary_learner_phase", "phase", "training"), 1);
  EXPECT_GT(Value(learner, "estuary_learner_u_count"), 0);
  EXPECT_GT(Value(learner, "estuary_learner_omega_count"), 0);
  EXPECT_GT(Value(learner, "estuary_learner_q_value_count", "data", "real"), 0);
  EXPECT_GT(Value(learner, "estuary_learner_samples_per_insert_ratio", "kind", "actual"), 0);
  EXPECT_GT(Value(learner, "estuary_learner_policy_version"), 0);
  double fsyncs = 0, lag = 0;
  for (const char* shard : {"replay-0", "replay-1"}) {
    fsyncs += Value(all[shard], "estuary_replay_fsync_seconds_count");
    lag += Value(all[shard], "estuary_replay_follower_lag_rows", "table", "sim");
    EXPECT_GT(Value(all[shard], "estuary_replay_disk_free_bytes"), 0);
    EXPECT_EQ(all[shard].Named("estuary_replay_waited_seconds_total").size(), 12u)
        << "six of each of two tables";
  }
  EXPECT_GT(fsyncs, 0) << "the dataset and the robot's rows are on the disk";
  EXPECT_GE(lag, 0);
  EXPECT_GT(Value(all["actor-0"], "estuary_actor_env_steps_total") +
                Value(all["actor-1"], "estuary_actor_env_steps_total"),
            0);
  EXPECT_EQ(all["evaluator"].Named("estuary_actor_evaluation_return").size(), 2u);
  const Exposition& robot_metrics = all["bridge"];
  EXPECT_GT(Value(robot_metrics, "estuary_bridge_lateness_seconds_count"), 0);
  EXPECT_EQ(robot_metrics.Named("estuary_bridge_state").size(), 6u);
  EXPECT_GT(Value(robot_metrics, "estuary_bridge_tilt_limit_radians"), 0);
  EXPECT_EQ(robot_metrics.Named("estuary_bridge_position_meters").size(), 1u);
  run.Signal(SIGINT);
  run.Wait(absl::Seconds(60));
}

}  // namespace
}  // namespace estuary::end_to_end
