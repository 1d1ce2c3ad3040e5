// The examples in docs/gaps.md: each is an experiment's text, and fits the model it is of.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "worlds/world.h"

namespace estuary::worlds {
namespace {

std::vector<std::string> Examples() {
  std::ifstream page(ESTUARY_SOURCE_DIR "/docs/gaps.md");
  std::vector<std::string> examples;
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line == "```textproto") {
      examples.emplace_back();
      inside = true;
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      examples.back() += line + "\n";
    }
  }
  return examples;
}

TEST(GapsPage, ShowsGapsThatFit) {
  const std::vector<std::string> examples = Examples();
  EXPECT_GE(examples.size(), 10u);
  for (const std::string& example : examples) {
    v1::Experiment experiment;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(example, &experiment)) << example;
    if (experiment.task().empty()) experiment.set_task("half_cheetah");
    const auto world = MakeWorld({.task = experiment.task(), .gap = experiment.gap()});
    ASSERT_TRUE(world.ok()) << example << world.status();
    EXPECT_EQ((*world)->gap().size(), static_cast<size_t>(experiment.gap().edits_size()));
  }
}

}  // namespace
}  // namespace estuary::worlds
