#include "cli/command/command.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/process/security.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

bool IsHelp(const std::string& word) { return word == "--help" || word == "-h" || word == "help"; }

// How a command speaks to servers. Every command that is told where one is (--replay, --learner,
// --bridge, --robot) has these flags, the same as the processes have.
class ConnectionFlags {
 public:
  explicit ConnectionFlags(Flags& flags)
      : connects_(flags.Has("replay") || flags.Has("learner") || flags.Has("bridge") ||
                  flags.Has("robot")) {
    if (!connects_) return;
    if (const char* folder = std::getenv("ESTUARY_TLS")) tls_ = folder;
    flags.Add("tls", &tls_, "DIR", "ca.pem, cert.pem and key.pem (also from $ESTUARY_TLS)");
    flags.Add("insecure", &insecure_, "speak plaintext also to other machines");
  }

  absl::Status Use() const {
    if (!connects_) return absl::OkStatus();
    return process::Annotate(process::UseSecurity(tls_, insecure_, /*metrics_insecure=*/false),
                             "--tls");
  }

 private:
  const bool connects_;
  std::string tls_;
  bool insecure_ = false;
};

void Print(const std::string& text) { std::fputs(text.c_str(), stdout); }

std::string Help(const Command& command, const Flags& flags) {
  std::string text = absl::StrCat("estuary ", command.name);
  if (!command.arguments.empty()) absl::StrAppend(&text, " ", command.arguments);
  const std::string flag_lines = flags.Help();
  if (!flag_lines.empty()) absl::StrAppend(&text, " [flags]");
  absl::StrAppend(&text, "\n\n", command.summary, "\n");
  if (!command.details.empty()) absl::StrAppend(&text, "\n", command.details, "\n");
  if (!flag_lines.empty()) absl::StrAppend(&text, "\nFlags:\n", flag_lines);
  return text;
}

std::vector<std::string> Names(const std::vector<Command>& commands) {
  std::vector<std::string> names;
  for (const Command& command : commands) names.push_back(command.name);
  return names;
}

absl::Status UnknownCommand(const std::vector<Command>& commands,
                            const std::vector<std::string>& words) {
  // "dataset" alone, or "dataset frobnicate": its commands are what was meant.
  std::vector<std::string> family;
  for (const Command& command : commands) {
    if (absl::StartsWith(command.name, words[0] + " ")) family.push_back("estuary " + command.name);
  }
  if (!family.empty()) {
    const std::string list = absl::StrJoin(family, ", ");
    if (words.size() == 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("'estuary ", words[0], "' needs one more word: ", list));
    }
    return absl::InvalidArgumentError(
        absl::StrCat("unknown command '", words[0], " ", words[1], "'; there are ", list));
  }
  std::vector<std::string> near = Near(words[0], Names(commands));
  std::string hint = DidYouMean("estuary ", near);
  if (hint.empty()) hint = "; `estuary --help` lists them";
  return absl::InvalidArgumentError(absl::StrCat("unknown command '", words[0], "'", hint));
}

absl::Status CheckArguments(const Command& command, const std::vector<std::string>& arguments) {
  const std::vector<std::string> wanted = absl::StrSplit(command.arguments, ' ', absl::SkipEmpty());
  const bool any = !wanted.empty() && absl::EndsWith(wanted.back(), "...");
  if (arguments.size() < wanted.size()) {
    return absl::InvalidArgumentError(absl::StrCat("estuary ", command.name, " needs ",
                                                   wanted[arguments.size()], ": estuary ",
                                                   command.name, " ", command.arguments));
  }
  if (arguments.size() > wanted.size() && !any) {
    return absl::InvalidArgumentError(absl::StrCat(
        "unexpected argument '", arguments[wanted.size()], "'; estuary ", command.name, " takes ",
        wanted.empty() ? "none" : command.arguments, ", and flags are written --name=value"));
  }
  return absl::OkStatus();
}

}  // namespace

std::string Overview(const std::vector<Command>& commands) {
  std::string text =
      "estuary: train a robot's policy from recorded real transitions and a wrong simulator.\n\n"
      "Commands (`estuary COMMAND --help` says more):\n";
  size_t width = 0;
  for (const Command& command : commands) width = std::max(width, command.name.size());
  for (const Command& command : commands) {
    absl::StrAppend(&text, "  ", command.name, std::string(width - command.name.size() + 2, ' '),
                    command.summary, "\n");
  }
  return text;
}

absl::Status Dispatch(const std::vector<Command>& commands, const std::vector<std::string>& words) {
  if (words.empty() || IsHelp(words[0])) {
    Print(Overview(commands));
    return absl::OkStatus();
  }
  if (words[0] == "--version") {
    Print("estuary 0.1.0\n");
    return absl::OkStatus();
  }
  const std::string two = words.size() > 1 ? absl::StrCat(words[0], " ", words[1]) : "";
  for (const Command& command : commands) {
    const bool is_two = command.name == two;
    if (!is_two && command.name != words[0]) continue;
    const std::vector<std::string> rest(words.begin() + (is_two ? 2 : 1), words.end());
    Flags flags;
    const Command::Run run = command.prepare(flags);
    const ConnectionFlags connection(flags);
    if (std::any_of(rest.begin(), rest.end(),
                    [](const std::string& word) { return word == "--help" || word == "-h"; })) {
      Print(Help(command, flags));
      return absl::OkStatus();
    }
    std::vector<std::string> arguments;
    ESTUARY_RETURN_IF_ERROR(flags.Parse(rest, &arguments));
    ESTUARY_RETURN_IF_ERROR(CheckArguments(command, arguments));
    ESTUARY_RETURN_IF_ERROR(connection.Use());
    return run(arguments);
  }
  // "estuary dataset --help".
  if (words.size() > 1 && IsHelp(words[1])) {
    std::vector<Command> family;
    for (const Command& command : commands) {
      if (absl::StartsWith(command.name, words[0] + " ")) family.push_back(command);
    }
    if (!family.empty()) {
      Print(Overview(family));
      return absl::OkStatus();
    }
  }
  return UnknownCommand(commands, words);
}

}  // namespace estuary::cli
