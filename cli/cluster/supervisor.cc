#include "cli/cluster/supervisor.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

// A process's exit code for INVALID_ARGUMENT (common/process/main.h).
constexpr int kBadInput = 2;
constexpr int kQuotedLines = 8;

}  // namespace

void Supervisor::Add(ChildSpec spec) {
  children_.push_back({.spec = std::move(spec),
                       .child = nullptr,
                       .backoff = process::Backoff(options_.first_backoff, options_.longest_backoff,
                                                   /*seed=*/children_.size() + 1)});
}

absl::Status Supervisor::StartAll() {
  for (Managed& managed : children_) {
    ESTUARY_ASSIGN_OR_RETURN(managed.child, Child::Start(managed.spec.argv, managed.spec.log_path));
    managed.started = absl::Now();
  }
  return absl::OkStatus();
}

absl::Status Supervisor::Poll() {
  const absl::Time now = absl::Now();
  for (Managed& managed : children_) {
    if (managed.child != nullptr) {
      const std::optional<ChildExit> exit = managed.child->Poll();
      if (!exit) continue;
      managed.child.reset();
      ESTUARY_RETURN_IF_ERROR(Died(managed, *exit));
    } else if (now >= managed.restart_at && !let_go_) {
      managed.restart_at = absl::InfiniteFuture();
      const ChildSpec& spec = managed.spec;
      ESTUARY_ASSIGN_OR_RETURN(
          managed.child,
          Child::Start(spec.restart_argv == nullptr ? spec.argv : spec.restart_argv(),
                       spec.log_path));
      managed.started = now;
      ++managed.restarts;
    }
  }
  return absl::OkStatus();
}

absl::Status Supervisor::Died(Managed& managed, const ChildExit& exit) {
  const ChildSpec& spec = managed.spec;
  if (let_go_) return absl::OkStatus();
  if (exit.ok() && spec.may_finish &&
      (spec.proof.empty() || access(spec.proof.c_str(), F_OK) == 0)) {
    managed.finished = true;
    return absl::OkStatus();
  }
  if (absl::Now() - managed.started >= options_.healthy_after) {
    managed.deaths = 0;
    managed.backoff.Reset();
  }
  ++managed.deaths;
  if (exit.code == kBadInput || managed.deaths >= options_.deaths_in_a_row) {
    const std::string tail = LogTail(spec.log_path, kQuotedLines);
    std::string message = absl::StrCat(spec.name, " ended with ", exit.ToString());
    if (managed.deaths > 1) absl::StrAppend(&message, ", ", managed.deaths, " times in a row");
    absl::StrAppend(&message, "; the end of ", spec.log_path, ":\n  ",
                    absl::StrReplaceAll(tail, {{"\n", "\n  "}}));
    return absl::AbortedError(message);
  }
  const absl::Duration wait = managed.backoff.Next();
  managed.restart_at = absl::Now() + wait;
  options_.say(absl::StrFormat("%s ended with %s; starting it again in %.1f s (%d of %d in a row)",
                               spec.name, exit.ToString(), absl::ToDoubleSeconds(wait),
                               managed.deaths, options_.deaths_in_a_row));
  return absl::OkStatus();
}

const Supervisor::Managed* Supervisor::Find(const std::string& name) const {
  for (const Managed& managed : children_) {
    if (managed.spec.name == name) return &managed;
  }
  return nullptr;
}

bool Supervisor::Finished(const std::string& name) const {
  const Managed* managed = Find(name);
  return managed != nullptr && managed->finished;
}

int Supervisor::Restarts(const std::string& name) const {
  const Managed* managed = Find(name);
  return managed == nullptr ? 0 : managed->restarts;
}

pid_t Supervisor::Pid(const std::string& name) const {
  const Managed* managed = Find(name);
  return managed == nullptr || managed->child == nullptr ? 0 : managed->child->pid();
}

void Supervisor::Stop() {
  std::set<int, std::greater<>> stages;
  for (const Managed& managed : children_) stages.insert(managed.spec.stage);
  for (const int stage : stages) {
    std::vector<Managed*> members;
    for (Managed& managed : children_) {
      if (managed.spec.stage != stage) continue;
      managed.restart_at = absl::InfiniteFuture();
      if (managed.child == nullptr) continue;
      managed.child->Signal(SIGTERM);
      members.push_back(&managed);
    }
    const absl::Time deadline = absl::Now() + options_.grace;
    for (Managed* managed : members) {
      const absl::Duration left = std::max(deadline - absl::Now(), absl::ZeroDuration());
      if (!managed->child->Wait(left)) {
        options_.say(absl::StrCat(managed->spec.name, " did not end within ",
                                  absl::FormatDuration(options_.grace), " of SIGTERM; killed"));
      }
      managed->child.reset();
    }
  }
}

}  // namespace estuary::cli
