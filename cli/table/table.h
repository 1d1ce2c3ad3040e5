// A table for a person: columns aligned, numbers to the right.
#pragma once

#include <string>
#include <vector>

namespace estuary::cli {

// `rows[0]` is the head. The first column is aligned to the left, the others to the right. Rows may
// be shorter than the head.
std::string FormatTable(const std::vector<std::vector<std::string>>& rows);

}  // namespace estuary::cli
