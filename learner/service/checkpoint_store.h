// Checkpoints on disk: folders step-N, each whole or not there. Beside them may be checkpoints of
// other names ("best"), which are neither counted nor removed with the rest.
//
// A checkpoint is some named files and a manifest with the size and SHA-256 of each. It is written
// into a folder of another name, synced, and renamed; a crash or a full disk at any moment leaves
// the older ones as they were. Reading takes the newest one whose every byte is what the manifest
// says, and names each one that is not.
//
// Not thread-safe; one process a folder.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace estuary::learner {

struct Checkpoint {
  uint64_t step = 0;
  // By file name.
  std::map<std::string, std::string> files;
};

class CheckpointStore {
 public:
  // Keeps the newest `keep`.
  CheckpointStore(std::string folder, int keep) : folder_(std::move(folder)), keep_(keep) {}

  // Writes it and removes what is beyond the newest `keep`. A good one of the same step that is
  // there already stays. An error names the file; the checkpoints that were there still are.
  absl::Status Write(const Checkpoint& checkpoint);

  // NOT_FOUND where there is none at all. DATA_LOSS, naming each and what is wrong with it, where
  // none is good. Each damaged one that is newer than the one returned is logged.
  absl::StatusOr<Checkpoint> ReadNewest() const;

  // Writes one of another name, in the place of one that is there.
  absl::Status WriteNamed(const std::string& name, const Checkpoint& checkpoint);
  // NOT_FOUND or DATA_LOSS as ReadNewest.
  absl::StatusOr<Checkpoint> ReadNamed(const std::string& name) const;
  // Renames `from` to `to`, in the place of one that is there.
  absl::Status Rename(const std::string& from, const std::string& to);
  void RemoveNamed(const std::string& name) const;
  // Names that begin so.
  std::vector<std::string> Names(const std::string& prefix) const;

  // Renames whatever is newer than `step` to damaged-step-N, so that it neither counts nor is lost.
  absl::Status SetAsideNewerThan(uint64_t step) const;

  // The path of the newest, good or not; empty where there is none.
  std::string NewestPath() const;

  std::string PathOf(uint64_t step) const;

 private:
  // Newest first.
  std::vector<uint64_t> Steps() const;
  absl::StatusOr<Checkpoint> Read(uint64_t step) const;
  absl::StatusOr<Checkpoint> ReadFolder(const std::string& path) const;
  // Into a folder of another name beside it, synced; returns that one's path.
  absl::StatusOr<std::string> WriteUnfinished(const std::string& name,
                                              const Checkpoint& checkpoint) const;
  std::string NamedPath(const std::string& name) const { return folder_ + "/" + name; }
  void RemoveOld() const;

  const std::string folder_;
  const int keep_;
};

}  // namespace estuary::learner
