#include "replay_server/replay_metric_families.h"

#include "tests/common/process/metric_catalogue.h"

namespace estuary::replay {
namespace {

TEST(ReplayMetricFamilies, KeepToTheRulesOfNamesAndUnits) {
  process::testing::CheckCatalogue(kReplayMetricFamilies, "replay");
}

}  // namespace
}  // namespace estuary::replay
