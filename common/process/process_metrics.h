// What every process shows of itself on /metrics (process_metric_families.h), and the view that a
// scrape sees: the part's own metrics, these, and on every sample the labels of the process's
// context. All of it is read when it is scraped.
#pragma once

#include <prometheus/collectable.h>

#include <memory>

#include "common/process/metrics.h"

namespace estuary::process {

std::shared_ptr<prometheus::Collectable> ScrapeView(const Metrics& metrics);

}  // namespace estuary::process
