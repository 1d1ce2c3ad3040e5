// What a part's catalogue of metrics has to keep to.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <set>
#include <span>
#include <string>
#include <utility>

#include "common/process/metric_family.h"

namespace estuary::process::testing {

inline bool EndsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// `part`: "actor", of estuary_actor_...
inline void CheckCatalogue(std::span<const MetricFamily> table, const std::string& part) {
  const std::regex own("estuary_" + part + "(_[a-z0-9]+)+");
  // Of every Prometheus client library.
  const std::regex standard("process(_[a-z0-9]+)+");
  std::set<std::string_view> names;
  for (const MetricFamily& family : table) {
    const std::string name(family.name);
    SCOPED_TRACE(name);
    EXPECT_TRUE(names.insert(family.name).second) << "twice in the table";
    EXPECT_TRUE(std::regex_match(name, own) ||
                (part == "process" && std::regex_match(name, standard)));
    EXPECT_EQ(EndsWith(name, "_total"), family.type == MetricType::kCounter);
    const std::string stem = EndsWith(name, "_total") ? name.substr(0, name.size() - 6) : name;
    // Units as Prometheus has them; a name says its own.
    for (const auto& [unit, end] : {std::pair("seconds", "_seconds"), std::pair("bytes", "_bytes"),
                                    std::pair("ratio", "_ratio"), std::pair("radians", "_radians"),
                                    std::pair("meters", "_meters")}) {
      EXPECT_EQ(family.unit == unit, EndsWith(stem, end)) << "unit " << family.unit;
    }
    EXPECT_EQ(family.unit == "steps per second", EndsWith(stem, "_steps_per_second"));
    for (const char* wrong : {"_ms", "_us", "_milliseconds", "_kb", "_mb", "_percent", "_count",
                              "_sum", "_bucket", "_info_total"}) {
      EXPECT_FALSE(EndsWith(stem, wrong)) << "ends in " << wrong;
    }
    EXPECT_FALSE(family.unit.empty());
    EXPECT_GE(family.meaning.size(), 3u);
    EXPECT_FALSE(family.healthy.empty());
    EXPECT_GE(family.action.size(), 4u);
    EXPECT_EQ(family.type == MetricType::kHistogram, !family.buckets.empty());
    EXPECT_TRUE(std::is_sorted(family.buckets.begin(), family.buckets.end()));
    EXPECT_EQ(std::adjacent_find(family.buckets.begin(), family.buckets.end()),
              family.buckets.end())
        << "an edge twice";
  }
  // What one row refers to is there: "As estuary_actor_env_steps_total".
  for (const MetricFamily& family : table) {
    const std::string action(family.action);
    const std::regex reference("As (estuary_" + part + "_[a-z0-9_]+)");
    std::smatch found;
    if (!std::regex_search(action, found, reference)) continue;
    EXPECT_EQ(names.count(found[1].str()), 1u) << family.name << ": " << action;
  }
}

}  // namespace estuary::process::testing
