// The outermost frame of every process: flags, logging, signals, and one clear line when it fails.
//
//   int main(int argc, char** argv) {
//     return estuary::process::Main(argc, argv, {.name = "estuary-replay", .about = "..."}, &Run);
//   }
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/process/metric_family.h"

namespace estuary::process {

struct ProcessInfo {
  // "estuary-replay"; also names the process in logs and metrics.
  std::string name;
  // One paragraph for --help.
  std::string about;
  // Positional arguments that Run accepts; more are an error that names the first one too many.
  int max_arguments = 0;
  // Which part of Estuary it is, for metrics and logs; empty: none of its own. Run may say better
  // (process_context.h).
  std::string part = {};
  // The part's catalogue of metrics.
  std::span<const MetricFamily> metrics = {};
};

// Parses the flags (an unknown one is an error that names it; those of security.h, --run and
// --describe_metrics are everybody's), starts logging, catches SIGINT and SIGTERM (see shutdown.h),
// ignores SIGPIPE, and calls `run` with the positional arguments. A status that is not ok, or an
// exception, becomes the line "<name>: error: ..." on stderr and exit code 1 (2 for
// INVALID_ARGUMENT). --describe_metrics prints the catalogue instead.
int Main(int argc, char** argv, const ProcessInfo& info,
         const std::function<absl::Status(const std::vector<std::string>& arguments)>& run);

}  // namespace estuary::process
