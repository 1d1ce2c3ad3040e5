// Flags of one command. A binary with many commands cannot keep them in one global table: `--seed`
// means something else to each.
//
// Written --name=value or --name value; a bool also as --name and --noname. "--" ends the flags.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace estuary::cli {

class Flags {
 public:
  // Each binds --name to `*value`, whose content now is the default. `placeholder` names the value
  // in --help ("FILE").
  void Add(const std::string& name, std::string* value, const std::string& placeholder,
           const std::string& help);
  void Add(const std::string& name, uint64_t* value, const std::string& placeholder,
           const std::string& help);
  void Add(const std::string& name, double* value, const std::string& placeholder,
           const std::string& help);
  void Add(const std::string& name, bool* value, const std::string& help);
  // Stays empty where it is not given.
  void Add(const std::string& name, std::optional<uint64_t>* value, const std::string& placeholder,
           const std::string& help);

  bool Has(const std::string& name) const;

  // Fills the bound values; what is not a flag goes to `arguments`. INVALID_ARGUMENT names an
  // unknown flag with those like it, or a value that is none.
  absl::Status Parse(const std::vector<std::string>& words, std::vector<std::string>* arguments);

  // One line a flag, aligned.
  std::string Help() const;

 private:
  struct Flag {
    std::string name;
    std::string placeholder = "";
    std::string help;
    std::string default_value = "";
    bool is_bool = false;
    // False where the text is no such value; `expected` says what is.
    std::function<bool(const std::string&)> set;
    std::string expected;
  };

  absl::Status Unknown(const std::string& name) const;

  std::vector<Flag> flags_;
};

// The candidates close enough to `word` to be what was meant, nearest first, three at most.
std::vector<std::string> Near(absl::string_view word, const std::vector<std::string>& candidates);

// "; did you mean --seed or --seeds?", or empty.
std::string DidYouMean(absl::string_view prefix, const std::vector<std::string>& near);

}  // namespace estuary::cli
