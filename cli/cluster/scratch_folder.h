// A fresh folder /tmp/estuary-XXXXXX for a local cluster's sockets and configuration files. Short
// on purpose: a socket's path may have 107 characters.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace estuary::cli {

class ScratchFolder {
 public:
  // Also removes folders whose owner was killed before it could.
  static absl::StatusOr<std::unique_ptr<ScratchFolder>> Create(const std::string& parent = "/tmp");
  // Removes it with everything in it.
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }
  // "unix:/tmp/estuary-XXXXXX/name.sock".
  std::string Address(const std::string& name) const { return "unix:" + File(name + ".sock"); }

 private:
  ScratchFolder(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}

  const std::string path_;
  // Held while the folder is in use; the kernel lets go of it whatever happens to this process.
  const int lock_;
};

}  // namespace estuary::cli
