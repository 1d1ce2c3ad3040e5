#include "common/process/grpc_log.h"

#include <grpc/support/log.h>

#include <atomic>
#include <mutex>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "common/process/log.h"
#include "common/process/metrics.h"
#include "common/process/process_metric_families.h"

namespace estuary::process {
namespace {

constexpr int64_t kBetweenWordsMs = 10'000;

void CountHandshake(const char* message) {
  static auto& failed =
      ProcessMetrics().Counter(ProcessFamily("estuary_process_failed_handshakes_total"));
  failed.Increment();
  static std::atomic<int64_t> next_word{0};
  static std::atomic<int> unsaid{0};
  ++unsaid;
  const int64_t now = absl::ToUnixMillis(absl::Now());
  int64_t next = next_word.load();
  if (now < next || !next_word.compare_exchange_strong(next, now + kBetweenWordsMs)) return;
  spdlog::warn("{} TLS handshakes failed, the newest: {}", unsaid.exchange(0), message);
}

void Log(gpr_log_func_args* line) {
  if (absl::StrContains(line->message, "Handshake failed")) return CountHandshake(line->message);
  if (line->severity == GPR_LOG_SEVERITY_ERROR) spdlog::error("gRPC: {}", line->message);
}

}  // namespace

void RouteGrpcLog() {
  static std::once_flag once;
  std::call_once(once, [] { gpr_set_log_function(&Log); });
}

}  // namespace estuary::process
