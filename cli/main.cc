#include "common/process/main.h"

#include <spdlog/spdlog.h>

#include <string>
#include <vector>

#include "cli/command/command.h"
#include "cli/commands/commands.h"

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  // The frame sees no words: flags belong to the commands.
  return estuary::process::Main(1, argv, {.name = "estuary", .about = ""},
                                [&](const std::vector<std::string>&) {
                                  // Commands speak for themselves; libraries only of trouble.
                                  spdlog::default_logger()->set_pattern("estuary: %l: %v");
                                  spdlog::set_level(spdlog::level::warn);
                                  return estuary::cli::Dispatch(estuary::cli::AllCommands(), words);
                                });
}
