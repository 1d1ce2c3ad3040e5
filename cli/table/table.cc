#include "cli/table/table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace estuary::cli {
namespace {

// UTF-8 characters, each one column wide.
size_t Columns(const std::string& text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) >> 6) != 2; });
}

}  // namespace

std::string FormatTable(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Columns(row[i]));
  }
  std::string text;
  for (size_t r = 0; r < rows.size(); ++r) {
    std::string line;
    for (size_t i = 0; i < rows[r].size(); ++i) {
      const std::string padding(widths[i] - Columns(rows[r][i]), ' ');
      if (i > 0) line += "  ";
      line += i == 0 ? absl::StrCat(rows[r][i], padding) : absl::StrCat(padding, rows[r][i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    absl::StrAppend(&text, line, "\n");
    if (r == 0) {
      for (size_t i = 0; i < widths.size(); ++i) {
        for (size_t j = 0; j < widths[i]; ++j) text += "─";
        if (i + 1 < widths.size()) text += "  ";
      }
      text += '\n';
    }
  }
  return text;
}

}  // namespace estuary::cli
