#include "cli/status/replay_report.h"

#include <algorithm>
#include <map>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "cli/progress/format.h"
#include "cli/table/table.h"
#include "common/client/replay_shards.h"

namespace estuary::cli {
namespace {

using Cells = std::vector<std::string>;

const Cells kHead = {"shard",    "table",   "rows",     "capacity",  "full",  "size",
                     "inserted", "in bulk", "in/s",     "sampled",   "out/s", "dropped",
                     "rejected", "writers", "samplers", "followers", "lag"};

// A table's figures, of one shard or summed up.
struct Figures {
  uint64_t rows = 0;
  uint64_t capacity = 0;
  uint64_t bytes = 0;
  uint64_t inserted = 0;
  uint64_t bulk = 0;
  double sampled = 0;
  uint64_t duplicates = 0;
  uint64_t rejected = 0;
  uint64_t writers = 0;
  uint64_t samplers = 0;
  uint64_t followers = 0;
  // Of the follower furthest behind, in rows.
  uint64_t lag = 0;
  // A second; nothing where it is not known.
  std::optional<double> in;
  std::optional<double> out;

  void Add(const Figures& other) {
    rows += other.rows;
    capacity += other.capacity;
    bytes += other.bytes;
    inserted += other.inserted;
    bulk += other.bulk;
    sampled += other.sampled;
    duplicates += other.duplicates;
    rejected += other.rejected;
    writers += other.writers;
    samplers += other.samplers;
    followers += other.followers;
    lag += other.lag;
    if (other.in) in = in.value_or(0) + *other.in;
    if (other.out) out = out.value_or(0) + *other.out;
  }

  Cells Row(const std::string& shard, const std::string& table) const {
    const auto rate = [](const std::optional<double>& r) { return r ? Short(*r) : "-"; };
    const double full =
        capacity == 0 ? 0 : 100.0 * static_cast<double>(rows) / static_cast<double>(capacity);
    return {shard,
            table,
            WithCommas(rows),
            WithCommas(capacity),
            absl::StrFormat("%.0f%%", full),
            FormatBytes(bytes),
            WithCommas(inserted),
            WithCommas(bulk),
            rate(in),
            Short(sampled),
            rate(out),
            WithCommas(duplicates),
            WithCommas(rejected),
            WithCommas(writers),
            WithCommas(samplers),
            WithCommas(followers),
            WithCommas(lag)};
  }
};

// What grew since the earlier reading; null where there is none, or the shard was started anew.
const v1::TableStatus* Earlier(const ReplayReading* before, size_t shard,
                               const v1::DescribeResponse& answer, const v1::TableStatus& now) {
  if (before == nullptr || !before->answers[shard].ok()) return nullptr;
  const v1::DescribeResponse& earlier = *before->answers[shard];
  if (earlier.shard_id() != answer.shard_id()) return nullptr;
  const v1::TableStatus* table = client::FindTable(earlier, now.config().name());
  if (table == nullptr || table->inserted() > now.inserted() || table->sampled() > now.sampled()) {
    return nullptr;
  }
  return table;
}

Figures FiguresOf(const v1::TableStatus& t, const v1::TableStatus* earlier, double seconds) {
  Figures f = {.rows = t.rows(),
               .capacity = t.config().capacity(),
               .bytes = t.bytes(),
               .inserted = t.inserted(),
               .bulk = t.inserted_in_bulk(),
               .sampled = t.sampled(),
               .duplicates = t.duplicates_dropped(),
               .rejected = t.rejected(),
               .writers = t.writers(),
               .samplers = t.samplers(),
               .followers = t.followers(),
               .lag = t.follower_lag(),
               .in = {},
               .out = {}};
  if (earlier != nullptr && seconds > 0) {
    f.in = static_cast<double>(t.inserted() - earlier->inserted()) / seconds;
    f.out = (t.sampled() - earlier->sampled()) / seconds;
  }
  return f;
}

// "writers waited 0.4 s for samples, ..." since the earlier reading or since the start; empty where
// nobody did.
std::string Waits(const v1::TableStatus& t, const v1::TableStatus* earlier) {
  const v1::TableWaits none;
  const v1::TableWaits& was = earlier != nullptr ? earlier->waits() : none;
  const v1::TableWaits& is = t.waits();
  std::string text;
  const auto add = [&text](double seconds, const char* who, const char* whom) {
    if (seconds < 0.05) return;
    absl::StrAppendFormat(&text, "%s%s %.1f s for %s", text.empty() ? "" : ", ", who, seconds,
                          whom);
  };
  add(is.writers_waiting_for_samples() - was.writers_waiting_for_samples(), "writers", "samples");
  add(is.samplers_waiting_for_inserts() - was.samplers_waiting_for_inserts(), "samplers",
      "inserts");
  add(is.disk() - was.disk(), "writers", "the disk");
  add(is.samplers_waiting_for_network() - was.samplers_waiting_for_network(), "samplers",
      "the network");
  add(is.followers_waiting_for_inserts() - was.followers_waiting_for_inserts(), "followers",
      "inserts");
  add(is.followers_waiting_for_network() - was.followers_waiting_for_network(), "followers",
      "the network");
  return text;
}

}  // namespace

std::string FormatBytes(uint64_t bytes) {
  const char* const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1000 && unit + 1 < std::size(units)) {
    value /= 1024;
    ++unit;
  }
  return absl::StrFormat(unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

ReplayReading ReadReplay(const std::vector<std::string>& shards, absl::Duration timeout) {
  ReplayReading reading = {
      .time = absl::Now(), .shards = shards, .answers = client::DescribeShards(shards, timeout)};
  return reading;
}

std::string FormatReplay(const ReplayReading& now, const ReplayReading* before) {
  const double seconds = before == nullptr ? 0 : absl::ToDoubleSeconds(now.time - before->time);
  std::vector<Cells> rows = {kHead};
  std::map<std::string, Figures> sums;
  std::string waiting_now;
  std::string waited;
  std::string away;
  for (size_t i = 0; i < now.shards.size(); ++i) {
    if (!now.answers[i].ok()) {
      rows.push_back({now.shards[i], "away"});
      absl::StrAppend(&away, "  ", std::string(now.answers[i].status().message()), "\n");
      continue;
    }
    for (const v1::TableStatus& t : now.answers[i]->tables()) {
      const std::string& name = t.config().name();
      const v1::TableStatus* earlier = Earlier(before, i, *now.answers[i], t);
      const Figures figures = FiguresOf(t, earlier, seconds);
      rows.push_back(figures.Row(now.shards[i], name));
      sums[name].Add(figures);
      if (!t.waiting().empty()) {
        absl::StrAppend(&waiting_now, "  ", now.shards[i], " ", name, ": ", t.waiting(), "\n");
      }
      if (const std::string waits = Waits(t, earlier); !waits.empty()) {
        absl::StrAppend(&waited, "  ", now.shards[i], " ", name, ": ", waits, "\n");
      }
    }
  }
  if (now.shards.size() > 1) {
    for (const auto& [name, figures] : sums) rows.push_back(figures.Row("all", name));
  }
  std::string text = FormatTable(rows);
  if (!away.empty()) absl::StrAppend(&text, "\nAway:\n", away);
  absl::StrAppend(&text, "\nWaiting now:\n", waiting_now.empty() ? "  nobody\n" : waiting_now);
  const std::string span =
      before == nullptr ? "since the start" : absl::StrFormat("in the last %.1f s", seconds);
  absl::StrAppend(&text, "Waited ", span, ":\n", waited.empty() ? "  nobody\n" : waited);
  return text;
}

}  // namespace estuary::cli
