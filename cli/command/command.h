// What `estuary` can be told to do: a table of commands, each one file in cli/commands.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cli/command/flags.h"

namespace estuary::cli {

struct Command {
  // Given the words after the flags.
  using Run = std::function<absl::Status(const std::vector<std::string>& arguments)>;

  // One word or two: "train", "dataset describe".
  std::string name;
  // The positional arguments as --help shows them, one word each; a trailing "..." takes any
  // number.
  std::string arguments;
  // One line for the list of commands.
  std::string summary;
  // Further paragraphs of --help.
  std::string details;
  // Declares the command's flags and gives what to run once they are parsed. Values that flags are
  // bound to are kept alive by the Run that uses them.
  std::function<Run(Flags& flags)> prepare;
};

// Runs the command that `words` (everything after the binary's name) name. INVALID_ARGUMENT names a
// word that is no command, with those like it.
absl::Status Dispatch(const std::vector<Command>& commands, const std::vector<std::string>& words);

// The list that `estuary --help` prints.
std::string Overview(const std::vector<Command>& commands);

}  // namespace estuary::cli
