#include "learner/service/shard_survey.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/client/replay_shards.h"
#include "common/process/backoff.h"
#include "common/process/log.h"
#include "common/process/shutdown.h"
#include "common/process/status.h"

namespace estuary::learner {
namespace {

constexpr absl::Duration kOneTry = absl::Seconds(5);

bool Passes(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
}

std::string Name(const std::vector<std::string>& shards, size_t i) {
  return absl::StrCat("the replay shard ", i, " at ", shards[i]);
}

}  // namespace

absl::StatusOr<std::vector<v1::DescribeResponse>> AskShards(const std::vector<std::string>& shards,
                                                            absl::Duration timeout) {
  const absl::Time start = absl::Now();
  absl::Time next_word = start + absl::Seconds(5);
  process::Backoff backoff;
  while (true) {
    std::vector<absl::StatusOr<v1::DescribeResponse>> answers =
        client::DescribeShards(shards, std::min(kOneTry, timeout));
    size_t silent = 0;
    while (silent < answers.size() && answers[silent].ok()) ++silent;
    if (silent == answers.size()) {
      std::vector<v1::DescribeResponse> all;
      for (auto& answer : answers) all.push_back(*std::move(answer));
      return all;
    }
    const absl::Status status = answers[silent].status();
    if (!Passes(status)) return process::Annotate(status, Name(shards, silent));
    const absl::Time now = absl::Now();
    if (now - start >= timeout) {
      return absl::UnavailableError(absl::StrCat(
          Name(shards, silent), " does not answer (tried for ", absl::FormatDuration(timeout),
          "); is it running there? ", status.message()));
    }
    if (now >= next_word) {
      spdlog::info("waiting for {} since {}", Name(shards, silent),
                   absl::FormatDuration(absl::Trunc(now - start, absl::Seconds(1))));
      next_word = now + absl::Seconds(5);
    }
    if (process::SleepOrShutdown(backoff.Next())) {
      return absl::CancelledError(absl::StrCat("stopped while waiting for ", Name(shards, silent)));
    }
  }
}

absl::StatusOr<transition::Schema> CommonSchema(const std::vector<std::string>& shards,
                                                const std::vector<v1::DescribeResponse>& answers,
                                                const std::vector<std::string>& tables,
                                                const std::string& task) {
  std::optional<transition::Schema> common;
  std::string first;
  for (const std::string& table : tables) {
    for (size_t i = 0; i < answers.size(); ++i) {
      const v1::TableStatus* status = client::FindTable(answers[i], table);
      const std::string name = absl::StrCat("table '", table, "' of ", Name(shards, i));
      if (status == nullptr) {
        return absl::NotFoundError(absl::StrCat(
            Name(shards, i), " has no table '", table,
            "', which the experiment trains on; is it another cluster's shard, or is the table "
            "missing in its --table_config?"));
      }
      ESTUARY_ASSIGN_OR_RETURN(const transition::Schema theirs,
                               transition::Schema::FromProto(status->config().schema()));
      if (!common.has_value()) {
        common =
            transition::Schema::Standard(theirs.task(), theirs.observation_dim(),
                                         theirs.action_dim(), theirs.proto().control_period_us());
        first = name;
        if (theirs.task() != task) {
          return absl::FailedPreconditionError(
              absl::StrCat(name, " is of ", theirs.ToString(), ", the experiment's task is '", task,
                           "'; is the replay another experiment's?"));
        }
      }
      ESTUARY_RETURN_IF_ERROR(
          common->CheckStandardEqual(theirs, absl::StrCat(first, " and ", name)));
    }
  }
  if (!common.has_value()) return absl::InvalidArgumentError("no replay shard is named");
  return *std::move(common);
}

std::vector<ShardHolding> Holdings(const std::vector<v1::DescribeResponse>& answers,
                                   const std::string& table) {
  std::vector<ShardHolding> holdings;
  for (const v1::DescribeResponse& answer : answers) {
    ShardHolding& holding = holdings.emplace_back();
    holding.shard_id = answer.shard_id();
    if (const v1::TableStatus* status = client::FindTable(answer, table)) {
      holding.rows = status->rows();
      holding.next_cursor = status->next_cursor();
      holding.sampled = status->sampled();
    }
  }
  return holdings;
}

uint64_t TotalRows(const std::vector<ShardHolding>& holdings) {
  uint64_t rows = 0;
  for (const ShardHolding& holding : holdings) rows += holding.rows;
  return rows;
}

}  // namespace estuary::learner
