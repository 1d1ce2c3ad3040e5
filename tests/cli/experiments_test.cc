// The experiments that come with the project are ones that can be trained.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "common/experiment/experiment.h"
#include "worlds/world.h"

namespace estuary::cli {
namespace {

std::vector<std::string> Experiments() {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(ESTUARY_SOURCE_DIR "/experiments")) {
    if (entry.path().extension() == ".textproto") paths.push_back(entry.path().string());
  }
  return paths;
}

TEST(Experiments, AreThere) { EXPECT_GE(Experiments().size(), 9u); }

TEST(Experiments, FitTheirTasks) {
  for (const std::string& path : Experiments()) {
    SCOPED_TRACE(path);
    auto experiment = experiment::ReadExperiment(path);
    ASSERT_TRUE(experiment.ok()) << experiment.status();
    EXPECT_EQ(std::filesystem::path(path).stem(), experiment->name());
    const absl::Status filled = experiment::FillDefaults(*experiment);
    EXPECT_TRUE(filled.ok()) << filled;
    const auto world = worlds::MakeWorld({.task = experiment->task(), .gap = experiment->gap()});
    ASSERT_TRUE(world.ok()) << world.status();
    const int scales = experiment->networks().observation_scale_size();
    EXPECT_TRUE(scales == 0 || scales == (*world)->spec().observation_dim) << scales;
    EXPECT_EQ(experiment::UsesRealData(*experiment), experiment->has_dataset());
  }
}

// What is compared in a demonstration differs in the algorithm alone.
TEST(Experiments, OfOneRobotTaskShareTheRecipe) {
  for (const std::string task : {"wheel_legged_stand", "wheel_legged_move"}) {
    std::vector<v1::Experiment> experiments;
    for (const std::string algorithm : {"h2o", "sac", "cql"}) {
      auto experiment = experiment::ReadExperiment(ESTUARY_SOURCE_DIR "/experiments/" + task + "_" +
                                                   algorithm + ".textproto");
      ASSERT_TRUE(experiment.ok()) << experiment.status();
      ASSERT_TRUE(experiment::FillDefaults(*experiment).ok());
      EXPECT_EQ(experiment->algorithm().name(), algorithm);
      experiments.push_back(*std::move(experiment));
    }
    for (const v1::Experiment& other : experiments) {
      const v1::Experiment& h2o = experiments[0];
      EXPECT_EQ(other.optimizer().SerializeAsString(), h2o.optimizer().SerializeAsString());
      EXPECT_EQ(other.evaluation().SerializeAsString(), h2o.evaluation().SerializeAsString());
      EXPECT_EQ(other.budget().gradient_steps(), h2o.budget().gradient_steps());
      EXPECT_EQ(other.networks().hidden_size(), 2);
      EXPECT_EQ(other.networks().hidden(0), h2o.networks().hidden(0));
      EXPECT_FALSE(other.algorithm().backup_entropy());
    }
  }
}

}  // namespace
}  // namespace estuary::cli
