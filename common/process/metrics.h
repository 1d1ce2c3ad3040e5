// Prometheus metrics of a process, each made from a row of its part's catalogue (metric_family.h).
//
// A metric is made once at start and kept; counters and gauges are one atomic each. Hot loops count
// in plain variables of their own and add to the counter now and then; nothing here is for the 200
// Hz path.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/process/metric_family.h"

namespace estuary::process {

using Labels = std::map<std::string, std::string>;

// Seconds since something, counted when it is scraped: it grows also when whoever set it has
// stopped. Has no sample before the first Set and after Clear. Thread-safe.
class AgeGauge {
 public:
  void Set(absl::Time since) { since_.store(absl::ToUnixMicros(since)); }
  void Clear() { since_.store(kNever); }

 private:
  friend class Metrics;
  static constexpr int64_t kNever = INT64_MIN;

  std::atomic<int64_t> since_{kNever};
};

class Metrics {
 public:
  Metrics();
  ~Metrics();

  // The same family and labels give the same metric. References live as long as this object.
  prometheus::Counter& Counter(CounterFamily family, const Labels& labels = {});
  prometheus::Gauge& Gauge(GaugeFamily family, const Labels& labels = {});
  prometheus::Histogram& Histogram(HistogramFamily family, const Labels& labels = {});
  AgeGauge& Age(GaugeFamily family, const Labels& labels = {});

  // What a scrape sees now.
  std::vector<prometheus::MetricFamily> Collect() const;
  // Sees the same, also when this object has gone.
  std::shared_ptr<prometheus::Collectable> collectable() const;

 private:
  class State;
  std::shared_ptr<State> state_;
};

// Takes a counter to a total that is counted elsewhere; one that stepped back only grows from here.
void RaiseTo(prometheus::Counter& counter, double total);

// Metrics of what every process has (process_metric_families.h), which /metrics shows beside the
// process's own.
Metrics& ProcessMetrics();

}  // namespace estuary::process
