#include "robot_bridge/bridge_metric_families.h"

#include "tests/common/process/metric_catalogue.h"

namespace estuary::bridge {
namespace {

TEST(BridgeMetricFamilies, KeepToTheRulesOfNamesAndUnits) {
  process::testing::CheckCatalogue(kBridgeMetricFamilies, "bridge");
}

}  // namespace
}  // namespace estuary::bridge
