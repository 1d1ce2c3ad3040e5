#include "common/process/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <sstream>
#include <string>

#include "absl/time/clock.h"
#include "common/process/process_context.h"
#include "common/process/process_metrics.h"

namespace estuary::process {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr double kEdges[] = {1, 2, 5};
constexpr MetricFamily kFamilies[] = {
    {.name = "estuary_test_things_total",
     .type = MetricType::kCounter,
     .unit = "things",
     .meaning = "Things made",
     .labels = "kind",
     .healthy = "rises",
     .action = "make more"},
    {.name = "estuary_test_sizes",
     .type = MetricType::kHistogram,
     .unit = "1",
     .meaning = "Their sizes",
     .healthy = "any",
     .action = "none",
     .buckets = kEdges},
    {.name = "estuary_test_idle_seconds",
     .type = MetricType::kGauge,
     .unit = "seconds",
     .meaning = "Since the newest",
     .labels = "kind",
     .healthy = "low",
     .action = "look"},
};

std::string Text(const std::vector<prometheus::MetricFamily>& families) {
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, families);
  return text.str();
}

TEST(Metrics, AreMadeFromTheCataloguesRows) {
  Metrics metrics;
  metrics.Counter(FindFamily(kFamilies, "estuary_test_things_total"), {{"kind", "a"}}).Increment(2);
  metrics.Histogram(FindFamily(kFamilies, "estuary_test_sizes")).Observe(3);
  const std::string text = Text(metrics.Collect());
  EXPECT_THAT(text, AllOf(HasSubstr("# HELP estuary_test_things_total Things made"),
                          HasSubstr("# TYPE estuary_test_things_total counter"),
                          HasSubstr("estuary_test_things_total{kind=\"a\"} 2"),
                          HasSubstr("estuary_test_sizes_bucket{le=\"2\"} 0"),
                          HasSubstr("estuary_test_sizes_bucket{le=\"5\"} 1")));
}

TEST(Metrics, TheSameFamilyAndLabelsAreTheSameMetric) {
  Metrics metrics;
  constexpr CounterFamily family = FindFamily(kFamilies, "estuary_test_things_total");
  EXPECT_EQ(&metrics.Counter(family, {{"kind", "a"}}), &metrics.Counter(family, {{"kind", "a"}}));
  EXPECT_NE(&metrics.Counter(family, {{"kind", "a"}}), &metrics.Counter(family, {{"kind", "b"}}));
}

TEST(Metrics, ACounterFollowsATotalAndNeverFalls) {
  Metrics metrics;
  prometheus::Counter& counter =
      metrics.Counter(FindFamily(kFamilies, "estuary_test_things_total"));
  RaiseTo(counter, 5);
  EXPECT_EQ(counter.Value(), 5);
  RaiseTo(counter, 3);
  EXPECT_EQ(counter.Value(), 5);
  RaiseTo(counter, 7);
  EXPECT_EQ(counter.Value(), 7);
}

TEST(AgeGauge, IsAbsentBeforeItIsSetAndGrowsWithoutAnybodysHelp) {
  Metrics metrics;
  AgeGauge& age = metrics.Age(FindFamily(kFamilies, "estuary_test_idle_seconds"), {{"kind", "a"}});
  EXPECT_THAT(Text(metrics.Collect()), Not(HasSubstr("estuary_test_idle_seconds")));
  age.Set(absl::Now() - absl::Seconds(100));
  const auto first = metrics.Collect();
  ASSERT_EQ(first.size(), 1u);
  EXPECT_GE(first[0].metric[0].gauge.value, 100);
  absl::SleepFor(absl::Milliseconds(2));
  EXPECT_GT(metrics.Collect()[0].metric[0].gauge.value, first[0].metric[0].gauge.value);
  age.Clear();
  EXPECT_THAT(Text(metrics.Collect()), Not(HasSubstr("estuary_test_idle_seconds")));
}

TEST(AgeGauge, IsNeverNegativeWhereTheClockWasSetBack) {
  Metrics metrics;
  metrics.Age(FindFamily(kFamilies, "estuary_test_idle_seconds")).Set(absl::Now() + absl::Hours(1));
  EXPECT_EQ(metrics.Collect()[0].metric[0].gauge.value, 0);
}

TEST(AgeGauge, OfOneFamilyStandTogether) {
  Metrics metrics;
  for (const char* kind : {"a", "b"}) {
    metrics.Age(FindFamily(kFamilies, "estuary_test_idle_seconds"), {{"kind", kind}})
        .Set(absl::Now());
  }
  const auto families = metrics.Collect();
  ASSERT_EQ(families.size(), 1u);
  EXPECT_EQ(families[0].metric.size(), 2u);
}

TEST(ScrapeView, LabelsEverySampleWithWhatTheProcessWorksOn) {
  Metrics metrics;
  metrics.Counter(FindFamily(kFamilies, "estuary_test_things_total"), {{"kind", "a"}});
  SetPart("actor");
  SetRun("half_cheetah-1");
  SetName("actor-3", "actor");
  SetTask("half_cheetah");
  const std::string text = Text(ScrapeView(metrics)->Collect());
  EXPECT_THAT(
      text,
      AllOf(HasSubstr("estuary_test_things_total{kind=\"a\",actor=\"actor-3\",run=\"half_"),
            HasSubstr("process_open_fds{actor=\"actor-3\",run=\"half_cheetah-1\"}"),
            ContainsRegex("estuary_process_info\\{part=\"actor\",name=\"actor-3\",task=\"half_"
                          "cheetah\",version=\"[0-9.]+\",actor=\"actor-3\",run=\"half_cheetah-"
                          "1\"\\} 1")));
}

TEST(ScrapeView, ShowsWhatTheProcessUses) {
  const Metrics metrics;
  std::map<std::string, double> values;
  for (const auto& family : ScrapeView(metrics)->Collect()) {
    for (const auto& metric : family.metric) {
      values[family.name] = metric.gauge.value + metric.counter.value;
    }
  }
  const double now = absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch());
  EXPECT_GT(values["process_start_time_seconds"], now - 3600);
  EXPECT_LE(values["process_start_time_seconds"], now + 1);
  EXPECT_GT(values["process_cpu_seconds_total"], 0);
  EXPECT_GT(values["process_resident_memory_bytes"], 1e6);
  EXPECT_GT(values["process_virtual_memory_bytes"], values["process_resident_memory_bytes"]);
  EXPECT_GE(values["process_open_fds"], 3);
  EXPECT_LT(values["process_open_fds"], values["process_max_fds"]);
  EXPECT_GE(values["process_threads"], 1);
  EXPECT_GE(values["estuary_process_uptime_seconds"], 0);
  EXPECT_EQ(values["estuary_process_build_info"], 1);
}

}  // namespace
}  // namespace estuary::process
