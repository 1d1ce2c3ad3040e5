#include "cli/commands/commands.h"

namespace estuary::cli {

std::vector<Command> AllCommands() {
#define ESTUARY_CALL_COMMAND(name) name##Command(),
  return {ESTUARY_COMMANDS(ESTUARY_CALL_COMMAND)};
#undef ESTUARY_CALL_COMMAND
}

}  // namespace estuary::cli
