// A learner as a process of its own that only publishes: every file of a folder that ends in .pb, a
// policy version, in the order of their names, as they appear. What a chaos test kills, stops and
// cuts off in place of a learner whose policy would first have to be trained until the robot
// stands.
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "common/process/files.h"
#include "common/process/main.h"
#include "common/process/shutdown.h"
#include "tests/actors/fake_learner.h"

ABSL_FLAG(std::string, listen, "", "Where to serve");
ABSL_FLAG(std::string, folder, "", "Where the policy versions are");

namespace estuary::bridge {
namespace {

absl::Status Run(const std::vector<std::string>&) {
  actor::testing::FakeLearner learner(absl::GetFlag(FLAGS_listen), v1::Experiment(), "run");
  learner.Start();
  std::set<std::string> published;
  do {
    std::set<std::string> there;
    for (const auto& entry : std::filesystem::directory_iterator(absl::GetFlag(FLAGS_folder))) {
      if (entry.path().extension() == ".pb") there.insert(entry.path().string());
    }
    for (const std::string& path : there) {
      if (!published.insert(path).second) continue;
      v1::PolicyUpdate update;
      const auto bytes = process::ReadFile(path);
      if (bytes.ok() && update.mutable_policy()->ParseFromString(*bytes)) learner.Publish(update);
    }
  } while (!process::SleepOrShutdown(absl::Milliseconds(20)));
  return absl::OkStatus();
}

}  // namespace
}  // namespace estuary::bridge

int main(int argc, char** argv) {
  return estuary::process::Main(
      argc, argv,
      {.name = "chaos-policy-server", .about = "Publishes the policy versions of a folder."},
      &estuary::bridge::Run);
}
