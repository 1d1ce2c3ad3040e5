// What a dataset's reader left out, in words.
#pragma once

#include <string>

#include "absl/strings/str_cat.h"
#include "cli/progress/format.h"
#include "common/dataset/dataset.h"

namespace estuary::cli {

// A line, or nothing where everything was read.
inline std::string LeftOut(const dataset::Info& info) {
  if (info.left_out == 0) return "";
  std::string line =
      absl::StrCat(WithCommas(info.left_out),
                   " rows were left out: the file has no next_observations, so what followed the "
                   "last row of an episode is not known");
  if (info.left_out_terminal > 0) {
    absl::StrAppend(&line, "; ", WithCommas(info.left_out_terminal),
                    " of them are terminal, and with them every sign of where the task ends");
  }
  return line + "\n";
}

}  // namespace estuary::cli
