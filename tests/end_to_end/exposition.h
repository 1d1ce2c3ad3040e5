// What /metrics says, taken apart as strictly as the text format is written down, and held against
// a binary's catalogue.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace estuary::end_to_end {

struct Sample {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0;
};

struct Exposition {
  // Of a family, by its name.
  std::map<std::string, std::string> types;
  std::map<std::string, std::string> helps;
  std::vector<Sample> samples;
  // Lines that are none of these.
  std::vector<std::string> odd;

  // Samples of this name.
  std::vector<Sample> Named(const std::string& name) const;
};

Exposition ParseExposition(const std::string& text);

// A row of --describe_metrics.
struct CatalogueRow {
  std::string type;
  std::string meaning;
  std::set<std::string> labels;
};

// Of a binary beside the tests' ("estuary-replay"), by name.
std::map<std::string, CatalogueRow> CatalogueOf(const std::string& binary);

// The body of http://127.0.0.1:port/metrics; empty where there is none.
std::string Scrape(int port);
// The first of `count` ports in a row that nobody uses.
int FreePorts(int count);

}  // namespace estuary::end_to_end
