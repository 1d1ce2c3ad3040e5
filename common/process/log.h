// Logging: spdlog::info("shard {} opened", id) and friends, to stderr. Lines for people on a
// terminal, one JSON object a line elsewhere: time, level, process, message, and as far as they are
// known (process_context.h) name, run and policy_version. Warnings and errors are counted. Never
// called on the 200 Hz path.
#pragma once

#include <spdlog/spdlog.h>

#include <string>

namespace estuary::process {

// Called by Main; tests may call it themselves.
void StartLogging(const std::string& process_name);
void FlushLogs();

}  // namespace estuary::process
