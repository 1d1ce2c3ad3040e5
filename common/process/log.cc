#include "common/process/log.h"

#include <spdlog/details/null_mutex.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/process/process_context.h"
#include "common/process/process_metric_families.h"

namespace estuary::process {
namespace {

// As a JSON string, quotes included: a log line stays one line whatever is in it.
std::string Quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

class JsonMessage : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& msg, const std::tm&,
              spdlog::memory_buf_t& dest) override {
    const std::string text = Quoted(std::string(msg.payload.data(), msg.payload.size()));
    dest.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonMessage>();
  }
};

// What is known of the process's context, as further fields.
class JsonContext : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg&, const std::tm&,
              spdlog::memory_buf_t& dest) override {
    const ProcessContext context = Context();
    std::string text;
    if (!context.name.empty()) absl::StrAppend(&text, R"(,"name":)", Quoted(context.name));
    if (!context.run.empty()) absl::StrAppend(&text, R"(,"run":)", Quoted(context.run));
    if (context.policy_version) {
      absl::StrAppend(&text, R"(,"policy_version":)", *context.policy_version);
    }
    dest.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonContext>();
  }
};

// Counts lines that say of trouble. Counters need no lock.
class TroubleCount : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  TroubleCount() : warnings_(Lines("warning")), errors_(Lines("error")) {}

 private:
  static prometheus::Counter& Lines(const char* level) {
    return ProcessMetrics().Counter(ProcessFamily("estuary_process_log_lines_total"),
                                    {{"level", level}});
  }
  void sink_it_(const spdlog::details::log_msg& msg) override {
    if (msg.level == spdlog::level::warn) warnings_.Increment();
    if (msg.level >= spdlog::level::err) errors_.Increment();
  }
  void flush_() override {}

  prometheus::Counter& warnings_;
  prometheus::Counter& errors_;
};

}  // namespace

void StartLogging(const std::string& process_name) {
  auto out = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  if (isatty(STDERR_FILENO)) {
    out->set_pattern("%H:%M:%S.%e %^%L%$ %n: %v");
  } else {
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<JsonMessage>('*').add_flag<JsonContext>('&').set_pattern(
        R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","process":"%n"%&,"message":%*})");
    out->set_formatter(std::move(formatter));
  }
  auto logger = std::make_shared<spdlog::logger>(
      process_name, spdlog::sinks_init_list{std::move(out), std::make_shared<TroubleCount>()});
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

void FlushLogs() { spdlog::default_logger()->flush(); }

}  // namespace estuary::process
