#include "cli/steer/hand.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/steer/gamepad.h"
#include "cli/steer/keyboard.h"
#include "cli/steer/scripted_hand.h"
#include "cli/steer/stick_hand.h"
#include "common/process/status.h"

namespace estuary::cli {

absl::StatusOr<std::unique_ptr<Hand>> MakeHand(const HandOptions& options,
                                               const worlds::TaskSpec& task) {
  if (options.kind == "scripted") return MakeScriptedHand(task, options.seed);
  std::unique_ptr<Stick> stick;
  if (options.kind == "keyboard") {
    ESTUARY_ASSIGN_OR_RETURN(stick, Keyboard::Open());
  } else if (options.kind == "gamepad") {
    ESTUARY_ASSIGN_OR_RETURN(stick, Gamepad::Open(options.device));
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat("--operator is scripted, keyboard or gamepad, "
                     "got '",
                     options.kind, "'"));
  }
  return MakeStickHand(task, std::move(stick));
}

}  // namespace estuary::cli
