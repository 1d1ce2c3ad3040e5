#include "common/process/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "common/process/process_context.h"
#include "common/process/process_metric_families.h"

namespace estuary::process {
namespace {

// Standard error is no terminal here.
std::vector<nlohmann::json> Logged(const std::function<void()>& say) {
  ::testing::internal::CaptureStderr();
  StartLogging("estuary-test");
  say();
  FlushLogs();
  std::istringstream lines(::testing::internal::GetCapturedStderr());
  std::vector<nlohmann::json> parsed;
  for (std::string line; std::getline(lines, line);) parsed.push_back(nlohmann::json::parse(line));
  return parsed;
}

TEST(Log, LinesAreObjectsWithWhatIsKnownOfTheProcess) {
  const auto lines = Logged([] {
    spdlog::info("at first");
    SetRun("stand \"1\"");
    SetName("actor-3", "actor");
    SetPolicyVersion(12);
    spdlog::warn("two\nlines, \"quoted\"");
  });
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0]["process"], "estuary-test");
  EXPECT_EQ(lines[0]["level"], "info");
  EXPECT_EQ(lines[0]["message"], "at first");
  EXPECT_FALSE(lines[0].contains("run"));
  EXPECT_FALSE(lines[0].contains("policy_version"));
  EXPECT_EQ(lines[1]["run"], "stand \"1\"");
  EXPECT_EQ(lines[1]["name"], "actor-3");
  EXPECT_EQ(lines[1]["policy_version"], 12);
  EXPECT_EQ(lines[1]["message"], "two\nlines, \"quoted\"");
}

TEST(Log, TroubleIsCounted) {
  const auto lines_of = [](const char* level) -> prometheus::Counter& {
    return ProcessMetrics().Counter(ProcessFamily("estuary_process_log_lines_total"),
                                    {{"level", level}});
  };
  const double warnings = lines_of("warning").Value(), errors = lines_of("error").Value();
  Logged([] {
    spdlog::info("fine");
    spdlog::warn("hm");
    spdlog::error("no");
    spdlog::critical("never");
  });
  EXPECT_EQ(lines_of("warning").Value(), warnings + 1);
  EXPECT_EQ(lines_of("error").Value(), errors + 2);
}

}  // namespace
}  // namespace estuary::process
