#include "learner/service/json_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>

#include "common/process/files.h"
#include "tests/learner/service/scratch_folder.h"

namespace estuary::learner {
namespace {

TEST(JsonLines, GrowsByWholeLines) {
  const ScratchFolder scratch;
  for (int i = 0; i < 2; ++i) {
    const auto lines = JsonLines::Open(scratch / "m.jsonl");
    ASSERT_TRUE(lines.ok()) << lines.status();
    ASSERT_TRUE((*lines)->Append({{"step", i}}).ok());
  }
  EXPECT_EQ(*process::ReadFile(scratch / "m.jsonl"), "{\"step\":0}\n{\"step\":1}\n");
}

TEST(JsonLines, AFullDiskLeavesNoTornLine) {
  const ScratchFolder scratch;
  const auto lines = JsonLines::Open(scratch / "m.jsonl");
  ASSERT_TRUE(lines.ok());
  ASSERT_TRUE((*lines)->Append({{"a", 1}}).ok());
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  auto* handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{20, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &limit);
  const absl::Status status = (*lines)->Append({{"long", std::string(100, 'x')}});
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(status.message(), testing::HasSubstr("m.jsonl"));
  EXPECT_EQ(*process::ReadFile(scratch / "m.jsonl"), "{\"a\":1}\n");
  EXPECT_TRUE((*lines)->Append({{"b", 2}}).ok());
  EXPECT_EQ(*process::ReadFile(scratch / "m.jsonl"), "{\"a\":1}\n{\"b\":2}\n");
}

TEST(JsonLines, KeepDropsWhatIsNotWantedAndATornLastLine) {
  const ScratchFolder scratch;
  std::ofstream(scratch / "m.jsonl") << "{\"step\":1}\n{\"step\":2}\n{\"step\":3}\n{\"ste";
  ASSERT_TRUE(JsonLines::Keep(scratch / "m.jsonl", [](const nlohmann::json& line) {
                return line["step"].get<int>() <= 2;
              }).ok());
  EXPECT_EQ(*process::ReadFile(scratch / "m.jsonl"), "{\"step\":1}\n{\"step\":2}\n");
}

TEST(JsonLines, KeepIsFineWithoutAFile) {
  const ScratchFolder scratch;
  EXPECT_TRUE(JsonLines::Keep(scratch / "none", [](const nlohmann::json&) { return true; }).ok());
}

}  // namespace
}  // namespace estuary::learner
