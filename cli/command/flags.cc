#include "cli/command/flags.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

// Insertions, deletions, replacements and swaps of neighbours between the two.
int EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<std::vector<int>> d(a.size() + 1, std::vector<int>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = static_cast<int>(i);
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      d[i][j] = std::min(
          {d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

void Flags::Add(const std::string& name, std::string* value, const std::string& placeholder,
                const std::string& help) {
  flags_.push_back({.name = name,
                    .placeholder = placeholder,
                    .help = help,
                    .default_value = *value,
                    .set =
                        [value](const std::string& text) {
                          *value = text;
                          return true;
                        },
                    .expected = "text"});
}

void Flags::Add(const std::string& name, uint64_t* value, const std::string& placeholder,
                const std::string& help) {
  flags_.push_back(
      {.name = name,
       .placeholder = placeholder,
       .help = help,
       .default_value = absl::StrCat(*value),
       .set = [value](const std::string& text) { return absl::SimpleAtoi(text, value); },
       .expected = "a whole number that is not negative"});
}

void Flags::Add(const std::string& name, double* value, const std::string& placeholder,
                const std::string& help) {
  flags_.push_back({.name = name,
                    .placeholder = placeholder,
                    .help = help,
                    .default_value = absl::StrCat(*value),
                    .set =
                        [value](const std::string& text) {
                          return absl::SimpleAtod(text, value) && std::isfinite(*value);
                        },
                    .expected = "a number"});
}

void Flags::Add(const std::string& name, bool* value, const std::string& help) {
  flags_.push_back(
      {.name = name,
       .help = help,
       .default_value = *value ? "true" : "",
       .is_bool = true,
       .set = [value](const std::string& text) { return absl::SimpleAtob(text, value); },
       .expected = "true or false"});
}

void Flags::Add(const std::string& name, std::optional<uint64_t>* value,
                const std::string& placeholder, const std::string& help) {
  flags_.push_back({.name = name,
                    .placeholder = placeholder,
                    .help = help,
                    .set =
                        [value](const std::string& text) {
                          uint64_t number = 0;
                          if (!absl::SimpleAtoi(text, &number)) return false;
                          *value = number;
                          return true;
                        },
                    .expected = "a whole number that is not negative"});
}

bool Flags::Has(const std::string& name) const {
  return std::any_of(flags_.begin(), flags_.end(),
                     [&](const Flag& flag) { return flag.name == name; });
}

absl::Status Flags::Parse(const std::vector<std::string>& words,
                          std::vector<std::string>* arguments) {
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--") {
      arguments->insert(arguments->end(), words.begin() + i + 1, words.end());
      break;
    }
    if (!absl::StartsWith(word, "--") || word.size() == 2) {
      if (absl::StartsWith(word, "-") && word.size() > 1) return Unknown(word);
      arguments->push_back(word);
      continue;
    }
    const size_t equals = word.find('=');
    const std::string name = word.substr(2, equals == std::string::npos ? equals : equals - 2);
    bool negated = false;
    auto flag = std::find_if(flags_.begin(), flags_.end(),
                             [&](const Flag& candidate) { return candidate.name == name; });
    if (flag == flags_.end() && absl::StartsWith(name, "no")) {
      flag = std::find_if(flags_.begin(), flags_.end(), [&](const Flag& candidate) {
        return candidate.is_bool && candidate.name == name.substr(2);
      });
      negated = flag != flags_.end();
    }
    if (flag == flags_.end()) return Unknown("--" + name);
    std::string value;
    if (equals != std::string::npos) {
      value = word.substr(equals + 1);
    } else if (flag->is_bool) {
      value = negated ? "false" : "true";
    } else if (i + 1 < words.size()) {
      value = words[++i];
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("--", name, " needs a value: --", name, "=", flag->placeholder));
    }
    if (!flag->set(value)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--", name, " is '", value, "'; it must be ", flag->expected));
    }
  }
  return absl::OkStatus();
}

absl::Status Flags::Unknown(const std::string& name) const {
  std::vector<std::string> names;
  for (const Flag& flag : flags_) names.push_back("--" + flag.name);
  std::string message = absl::StrCat("unknown flag ", name);
  const std::vector<std::string> near = Near(name, names);
  if (!near.empty()) {
    absl::StrAppend(&message, DidYouMean("", near));
  } else if (names.empty()) {
    absl::StrAppend(&message, "; this command has none");
  } else {
    absl::StrAppend(&message, "; this command has ", absl::StrJoin(names, ", "));
  }
  return absl::InvalidArgumentError(message);
}

std::string Flags::Help() const {
  std::vector<std::string> heads;
  size_t width = 0;
  for (const Flag& flag : flags_) {
    heads.push_back(flag.is_bool ? absl::StrCat("--", flag.name)
                                 : absl::StrCat("--", flag.name, "=", flag.placeholder));
    width = std::max(width, heads.back().size());
  }
  std::string text;
  for (size_t i = 0; i < flags_.size(); ++i) {
    absl::StrAppend(&text, "  ", heads[i], std::string(width - heads[i].size() + 2, ' '),
                    flags_[i].help);
    if (!flags_[i].default_value.empty()) {
      absl::StrAppend(&text, " (default ", flags_[i].default_value, ")");
    }
    text += '\n';
  }
  return text;
}

std::vector<std::string> Near(absl::string_view word, const std::vector<std::string>& candidates) {
  std::vector<std::pair<int, std::string>> scored;
  for (const std::string& candidate : candidates) {
    const int allowed = std::max<int>(1, static_cast<int>(word.size()) / 3);
    int distance = EditDistance(word, candidate);
    // The beginning of a longer name is as good as a slip.
    if (word.size() >= 3 && absl::StartsWith(candidate, word)) distance = std::min(distance, 1);
    if (distance <= allowed) scored.emplace_back(distance, candidate);
  }
  std::stable_sort(scored.begin(), scored.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> near;
  for (const auto& [distance, candidate] : scored) {
    if (near.size() < 3) near.push_back(candidate);
  }
  return near;
}

std::string DidYouMean(absl::string_view prefix, const std::vector<std::string>& near) {
  if (near.empty()) return "";
  const std::string separator = absl::StrCat(" or ", prefix);
  return absl::StrCat("; did you mean ", prefix, absl::StrJoin(near, separator), "?");
}

}  // namespace estuary::cli
