// A file of JSON objects, one a line, that grows while a run goes on and is whole at every moment
// but the last line after a crash.
//
// Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

namespace estuary::learner {

class JsonLines {
 public:
  // Opens for appending, creating it where it is not there.
  static absl::StatusOr<std::unique_ptr<JsonLines>> Open(const std::string& path);
  ~JsonLines();

  // One line, whole or (a full disk) not at all.
  absl::Status Append(const nlohmann::json& line);

  // Rewrites the file with the lines for which `keep` says so; lines that are no JSON go (a crash
  // tears the last one). Fine where the file is not there. Before Open.
  static absl::Status Keep(const std::string& path,
                           const std::function<bool(const nlohmann::json&)>& keep);

 private:
  JsonLines(std::string path, int fd, int64_t size)
      : path_(std::move(path)), fd_(fd), size_(size) {}

  const std::string path_;
  const int fd_;
  absl::Mutex mutex_;
  int64_t size_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace estuary::learner
