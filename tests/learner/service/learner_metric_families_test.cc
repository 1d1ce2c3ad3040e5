#include "learner/service/learner_metric_families.h"

#include "tests/common/process/metric_catalogue.h"

namespace estuary::learner {
namespace {

TEST(LearnerMetricFamilies, KeepToTheRulesOfNamesAndUnits) {
  process::testing::CheckCatalogue(kLearnerMetricFamilies, "learner");
}

}  // namespace
}  // namespace estuary::learner
