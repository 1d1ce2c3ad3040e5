#include "common/process/main.h"

#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/process/health.h"
#include "common/process/log.h"
#include "common/process/process_context.h"
#include "common/process/process_metric_families.h"
#include "common/process/security.h"
#include "common/process/shutdown.h"
#include "common/process/status.h"
#include "common/process/steady_futex.h"

ABSL_FLAG(
    std::string, tls, "",
    "Folder with ca.pem, cert.pem and key.pem (estuary certs issue): TCP ports and connections "
    "use mutual TLS; empty: plaintext, on loopback and Unix sockets only");
ABSL_FLAG(bool, insecure, false, "Speak plaintext also where other machines can reach it");
ABSL_FLAG(bool, metrics_insecure, false,
          "Serve /metrics in plaintext wherever --metrics says, also beside --tls");
ABSL_FLAG(
    std::string, health, "",
    "Only ask the process that listens there (localhost:5001, https://localhost:9100) whether "
    "it is well, and end: 0 where it is");
ABSL_FLAG(
    std::string, run, "",
    "The run that this process works for, for its logs and metrics, until it learns it itself");
ABSL_FLAG(bool, describe_metrics, false,
          "Print every metric that /metrics may show, as JSON: name, unit, meaning, healthy range, "
          "what to do; and end");

namespace estuary::process {
namespace {

constexpr absl::Duration kHealthPatience = absl::Seconds(4);

int Fail(const ProcessInfo& info, const absl::Status& status) {
  FlushLogs();
  std::fprintf(stderr, "%s: error: %s\n", info.name.c_str(), std::string(status.message()).c_str());
  return status.code() == absl::StatusCode::kInvalidArgument ? 2 : 1;
}

}  // namespace

int Main(int argc, char** argv, const ProcessInfo& info,
         const std::function<absl::Status(const std::vector<std::string>&)>& run) {
  // Errors to be told, not deaths: a closed pipe, a file at its size limit.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  absl::SetProgramUsageMessage(info.about);
  absl::FlagsUsageConfig usage;
  // --help shows Estuary's own flags, not every library's.
  usage.contains_helpshort_flags = [](absl::string_view file) {
    return !absl::StrContains(file, "absl/");
  };
  usage.contains_help_flags = usage.contains_helpshort_flags;
  usage.version_string = [] { return std::string("estuary " ESTUARY_VERSION "\n"); };
  absl::SetFlagsUsageConfig(usage);
  const std::vector<char*> rest = absl::ParseCommandLine(argc, argv);
  std::vector<std::string> arguments(rest.begin() + 1, rest.end());
  if (static_cast<int>(arguments.size()) > info.max_arguments) {
    return Fail(info, absl::InvalidArgumentError(absl::StrCat(
                          "unexpected argument '", arguments[info.max_arguments],
                          "'; flags are written --name=value, and --help lists them")));
  }
  if (absl::GetFlag(FLAGS_describe_metrics)) {
    const std::span<const MetricFamily> tables[] = {info.metrics, kProcessMetricFamilies};
    std::printf("%s\n", DescribeFamilies(tables).c_str());
    return 0;
  }
  SetPart(info.part);
  SetRun(absl::GetFlag(FLAGS_run));
  StartLogging(info.name);
  CatchShutdownSignals();
  if (!WaitsAreSteady()) spdlog::warn("timed waits go by the wall clock; do not set it back");
  const absl::Status security = UseSecurity(absl::GetFlag(FLAGS_tls), absl::GetFlag(FLAGS_insecure),
                                            absl::GetFlag(FLAGS_metrics_insecure));
  if (!security.ok()) return Fail(info, Annotate(security, "--tls"));
  if (const std::string address = absl::GetFlag(FLAGS_health); !address.empty()) {
    const absl::Status health = CheckHealth(address, kHealthPatience);
    return health.ok() ? 0 : Fail(info, health);
  }
  try {
    const absl::Status status = run(arguments);
    if (!status.ok()) return Fail(info, status);
  } catch (const std::exception& e) {
    return Fail(info, absl::InternalError(absl::StrCat("unexpected exception: ", e.what())));
  }
  FlushLogs();
  return 0;
}

}  // namespace estuary::process
