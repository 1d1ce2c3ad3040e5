// What this process is and works on, for all that it says: its log lines and every sample of its
// metrics carry it, so that people and dashboards can tell runs, shards and actors apart.
//
// Set by whoever learns it, read by the logger and by scrapes. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/process/metrics.h"

namespace estuary::process {

struct ProcessContext {
  // "replay", "actor", "evaluator"; empty: not said.
  std::string part;
  // The run that it works for: the learner's run id, or --run.
  std::string run;
  // Which of several it is: "actor-3", a shard's id, a robot's name.
  std::string name;
  std::string task;
  // In use or newest.
  std::optional<uint64_t> policy_version;
};

ProcessContext Context();
void SetPart(const std::string& part);
void SetRun(const std::string& run);
// `label`: what samples call it ("actor", "shard"); empty: not at all, because the part's own
// metrics say it.
void SetName(const std::string& name, const std::string& label = "");
void SetTask(const std::string& task);
void SetPolicyVersion(uint64_t version);

// The labels of every sample: run and, where it has one, the name.
Labels ContextLabels();

}  // namespace estuary::process
