#include "actors/actor_metric_families.h"

#include "tests/common/process/metric_catalogue.h"

namespace estuary::actor {
namespace {

TEST(ActorMetricFamilies, KeepToTheRulesOfNamesAndUnits) {
  process::testing::CheckCatalogue(kActorMetricFamilies, "actor");
}

}  // namespace
}  // namespace estuary::actor
