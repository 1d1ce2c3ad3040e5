// What is known of a metric before anything is counted: its name, unit, meaning, healthy range, and
// what to do when it is not healthy.
//
// A part of Estuary lists its families in one constexpr table (actors/actor_metric_families.h) and
// a metric can only be made from a row of one (metrics.h), which the compiler looks up: a name that
// no table has does not compile. --describe_metrics prints a binary's tables, docs/metrics.md is
// made of that.
//
// Names are estuary_<part>_<what>_<unit>, units are Prometheus's base units (seconds, bytes,
// ratio), counters end in _total.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace estuary::process {

enum class MetricType { kCounter, kGauge, kHistogram };

// "counter"
constexpr std::string_view Name(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kHistogram:
      return "histogram";
  }
  return "?";
}

struct MetricFamily {
  std::string_view name;
  MetricType type;
  // "seconds", "bytes", "rows"; "1" for what only is or is not, and for numbers without a unit.
  std::string_view unit;
  std::string_view meaning;
  // Names of its labels with commas between, and what their values are where that needs saying:
  // "table, kind=actual|configured".
  std::string_view labels = "";
  std::string_view healthy;
  std::string_view action;
  // Of a histogram: upper edges, ascending.
  std::span<const double> buckets = {};
};

// The table's row of that name; no such row: the program does not compile.
consteval const MetricFamily& FindFamily(std::span<const MetricFamily> table,
                                         std::string_view name) {
  for (const MetricFamily& family : table) {
    if (family.name == name) return family;
  }
  throw "the catalogue has no metric of this name";
}

// A row that is known to be of this type.
template <MetricType kType>
class FamilyOf {
 public:
  consteval FamilyOf(const MetricFamily& family)  // NOLINT: a row stands for itself
      : family_(&family) {
    if (family.type != kType) throw "the catalogue says that this metric is of another type";
  }

  const MetricFamily* operator->() const { return family_; }

 private:
  const MetricFamily* family_;
};

using CounterFamily = FamilyOf<MetricType::kCounter>;
using GaugeFamily = FamilyOf<MetricType::kGauge>;
using HistogramFamily = FamilyOf<MetricType::kHistogram>;

// The tables as one JSON array, an object a family.
std::string DescribeFamilies(std::span<const std::span<const MetricFamily>> tables);

}  // namespace estuary::process
