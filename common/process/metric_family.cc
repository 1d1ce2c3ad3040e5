#include "common/process/metric_family.h"

#include <nlohmann/json.hpp>

namespace estuary::process {

std::string DescribeFamilies(std::span<const std::span<const MetricFamily>> tables) {
  nlohmann::ordered_json described = nlohmann::ordered_json::array();
  for (const std::span<const MetricFamily> table : tables) {
    for (const MetricFamily& family : table) {
      nlohmann::ordered_json entry = {{"name", family.name},       {"type", Name(family.type)},
                                      {"unit", family.unit},       {"labels", family.labels},
                                      {"meaning", family.meaning}, {"healthy", family.healthy},
                                      {"action", family.action}};
      if (family.type == MetricType::kHistogram) {
        entry["buckets"] = std::vector<double>(family.buckets.begin(), family.buckets.end());
      }
      described.push_back(std::move(entry));
    }
  }
  return described.dump(2);
}

}  // namespace estuary::process
