#include "common/process/process_metric_families.h"

#include "tests/common/process/metric_catalogue.h"

namespace estuary::process {
namespace {

TEST(ProcessMetricFamilies, KeepToTheRulesOfNamesAndUnits) {
  process::testing::CheckCatalogue(kProcessMetricFamilies, "process");
}

}  // namespace
}  // namespace estuary::process
