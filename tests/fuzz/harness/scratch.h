// A folder for fuzzers that need files: in memory where the machine has such a place, for nothing
// here needs to last.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/string_view.h"

namespace estuary::fuzz {

class Scratch {
 public:
  Scratch() {
    std::string name = std::filesystem::is_directory("/dev/shm") ? "/dev/shm/estuary-fuzz-XXXXXX"
                                                                 : "/tmp/estuary-fuzz-XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const std::string& path() const { return path_; }

  // Writes path()/name, in folders that are made for it, and gives its path.
  std::string Write(const std::string& name, absl::string_view content) const {
    const std::filesystem::path file = std::filesystem::path(path_) / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary)
        .write(content.data(), static_cast<std::streamsize>(content.size()));
    return file.string();
  }

 private:
  std::string path_;
};

}  // namespace estuary::fuzz
