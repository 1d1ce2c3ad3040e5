#include "common/process/metrics.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"

namespace estuary::process {

class Metrics::State : public prometheus::Collectable {
 public:
  prometheus::Registry& registry() { return registry_; }

  AgeGauge& Age(const MetricFamily& family, const Labels& labels) {
    const absl::MutexLock lock(&mutex_);
    for (NamedAge& age : ages_) {
      if (age.family == &family && age.labels == labels) return age.gauge;
    }
    NamedAge& age = ages_.emplace_back();
    age.family = &family;
    age.labels = labels;
    return age.gauge;
  }

  std::vector<prometheus::MetricFamily> Collect() const override {
    std::vector<prometheus::MetricFamily> families = registry_.Collect();
    const int64_t now = absl::ToUnixMicros(absl::Now());
    const absl::MutexLock lock(&mutex_);
    for (const NamedAge& age : ages_) {
      const int64_t since = age.gauge.since_.load();
      if (since == AgeGauge::kNever) continue;
      // Ages of one family stand together, as the format asks.
      const auto same = std::find_if(families.begin(), families.end(), [&](const auto& family) {
        return family.name == age.family->name;
      });
      prometheus::MetricFamily& family = same != families.end()
                                             ? *same
                                             : families.emplace_back(prometheus::MetricFamily{
                                                   .name = std::string(age.family->name),
                                                   .help = std::string(age.family->meaning),
                                                   .type = prometheus::MetricType::Gauge,
                                                   .metric = {}});
      prometheus::ClientMetric& metric = family.metric.emplace_back();
      for (const auto& [name, value] : age.labels) metric.label.push_back({name, value});
      metric.gauge.value = std::max(0.0, 1e-6 * static_cast<double>(now - since));
    }
    return families;
  }

 private:
  struct NamedAge {
    const MetricFamily* family = nullptr;
    Labels labels;
    AgeGauge gauge;
  };

  prometheus::Registry registry_;
  mutable absl::Mutex mutex_;
  // Elements stay where they are.
  std::deque<NamedAge> ages_ ABSL_GUARDED_BY(mutex_);
};

Metrics::Metrics() : state_(std::make_shared<State>()) {}
Metrics::~Metrics() = default;

prometheus::Counter& Metrics::Counter(CounterFamily family, const Labels& labels) {
  return prometheus::BuildCounter()
      .Name(std::string(family->name))
      .Help(std::string(family->meaning))
      .Register(state_->registry())
      .Add(labels);
}

prometheus::Gauge& Metrics::Gauge(GaugeFamily family, const Labels& labels) {
  return prometheus::BuildGauge()
      .Name(std::string(family->name))
      .Help(std::string(family->meaning))
      .Register(state_->registry())
      .Add(labels);
}

prometheus::Histogram& Metrics::Histogram(HistogramFamily family, const Labels& labels) {
  return prometheus::BuildHistogram()
      .Name(std::string(family->name))
      .Help(std::string(family->meaning))
      .Register(state_->registry())
      .Add(labels,
           prometheus::Histogram::BucketBoundaries(family->buckets.begin(), family->buckets.end()));
}

AgeGauge& Metrics::Age(GaugeFamily family, const Labels& labels) {
  return state_->Age(*family.operator->(), labels);
}

std::vector<prometheus::MetricFamily> Metrics::Collect() const { return state_->Collect(); }

std::shared_ptr<prometheus::Collectable> Metrics::collectable() const { return state_; }

void RaiseTo(prometheus::Counter& counter, double total) {
  counter.Increment(std::max(0.0, total - counter.Value()));
}

}  // namespace estuary::process
