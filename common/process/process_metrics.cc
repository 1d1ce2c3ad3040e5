#include "common/process/process_metrics.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cinttypes>
#include <cstdio>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/process/files.h"
#include "common/process/process_context.h"
#include "common/process/process_metric_families.h"

namespace estuary::process {
namespace {

// Of /proc/self/stat, counted from the state behind the program's name.
enum StatField { kThreads = 17, kStartTicks = 19, kVirtualBytes = 20, kResidentPages = 21 };

std::vector<std::string> StatFields() {
  const absl::StatusOr<std::string> text = ReadFile("/proc/self/stat");
  if (!text.ok()) return {};
  // The name is in brackets and may hold anything.
  const size_t end = text->rfind(") ");
  if (end == std::string::npos) return {};
  return absl::StrSplit(text->substr(end + 2), ' ');
}

// Unix time at which the machine started; 0 where it cannot be read.
double BootTime() {
  const absl::StatusOr<std::string> text = ReadFile("/proc/stat");
  if (!text.ok()) return 0;
  double time = 0;
  const size_t at = text->find("\nbtime ");
  if (at == std::string::npos) return 0;
  const size_t begin = at + 7;
  return absl::SimpleAtod(text->substr(begin, text->find('\n', begin) - begin), &time) ? time : 0;
}

// Files open now, that of the count itself left out; -1 where they cannot be counted.
int OpenFiles() {
  DIR* const folder = opendir("/proc/self/fd");
  if (folder == nullptr) return -1;
  const absl::Cleanup close = [folder] { closedir(folder); };
  int count = 0;
  while (const dirent* entry = readdir(folder)) count += entry->d_name[0] != '.' ? 1 : 0;
  return count - 1;
}

double CpuSeconds() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + 1e-9 * static_cast<double>(used.tv_nsec);
}

void ShowBuild() {
  ProcessMetrics()
      .Gauge(
          ProcessFamily("estuary_process_build_info"),
          {{"version", ESTUARY_VERSION}, {"compiler", ESTUARY_COMPILER}, {"build", ESTUARY_BUILD}})
      .Set(1);
}

void ReadUsage() {
  Metrics& m = ProcessMetrics();
  const std::vector<std::string> fields = StatFields();
  const auto field = [&fields](StatField index) {
    double value = 0;
    return fields.size() > index && absl::SimpleAtod(fields[index], &value) ? value : 0;
  };
  static const double started =
      BootTime() + field(kStartTicks) / static_cast<double>(sysconf(_SC_CLK_TCK));
  m.Gauge(ProcessFamily("process_start_time_seconds")).Set(started);
  m.Age(ProcessFamily("estuary_process_uptime_seconds")).Set(absl::FromUnixMillis(1e3 * started));
  RaiseTo(m.Counter(ProcessFamily("process_cpu_seconds_total")), CpuSeconds());
  m.Gauge(ProcessFamily("process_resident_memory_bytes"))
      .Set(field(kResidentPages) * static_cast<double>(sysconf(_SC_PAGESIZE)));
  m.Gauge(ProcessFamily("process_virtual_memory_bytes")).Set(field(kVirtualBytes));
  m.Gauge(ProcessFamily("process_threads")).Set(field(kThreads));
  m.Gauge(ProcessFamily("process_open_fds")).Set(OpenFiles());
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  m.Gauge(ProcessFamily("process_max_fds")).Set(static_cast<double>(limit.rlim_cur));
}

// What it works on may change: the gauge is made at each scrape.
prometheus::MetricFamily Info() {
  const MetricFamily& family = ProcessFamily("estuary_process_info");
  const ProcessContext context = Context();
  prometheus::MetricFamily info{.name = std::string(family.name),
                                .help = std::string(family.meaning),
                                .type = prometheus::MetricType::Gauge,
                                .metric = {}};
  prometheus::ClientMetric& metric = info.metric.emplace_back();
  metric.gauge.value = 1;
  metric.label = {{"part", context.part},
                  {"name", context.name},
                  {"task", context.task},
                  {"version", ESTUARY_VERSION}};
  return info;
}

class View : public prometheus::Collectable {
 public:
  explicit View(const Metrics& metrics) : own_(metrics.collectable()) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    ShowBuild();
    ReadUsage();
    std::vector<prometheus::MetricFamily> families = own_->Collect();
    for (auto& family : ProcessMetrics().Collect()) families.push_back(std::move(family));
    families.push_back(Info());
    const Labels labels = ContextLabels();
    for (prometheus::MetricFamily& family : families) {
      for (prometheus::ClientMetric& metric : family.metric) {
        for (const auto& [name, value] : labels) metric.label.push_back({name, value});
      }
    }
    return families;
  }

 private:
  const std::shared_ptr<prometheus::Collectable> own_;
};

}  // namespace

Metrics& ProcessMetrics() {
  static auto& metrics = *new Metrics();
  return metrics;
}

std::shared_ptr<prometheus::Collectable> ScrapeView(const Metrics& metrics) {
  return std::make_shared<View>(metrics);
}

}  // namespace estuary::process
