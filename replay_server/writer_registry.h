// Who has written how far: what makes an append count once.
//
// Every writer has a sequence number per table. `stored` is what the table holds and clients may be
// told; `accepted` is what was taken and may still be on its way to the disk; accepted >= stored. A
// writer has one *session* at a time: a newer one ends the older (its process was restarted, its
// connection is a ghost), so that the answer a new session got stays true.
//
// Not thread-safe; Table guards it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "estuary/v1/replay_storage.pb.h"

namespace estuary::replay {

struct Writer {
  std::string id;
  uint64_t stored = 0;
  uint64_t accepted = 0;
  uint64_t session = 0;
};

// A writer's right to append. Copyable.
struct WriterSession {
  Writer* writer = nullptr;
  uint64_t number = 0;
};

class WriterRegistry {
 public:
  // Writers come and go with runs; this many ids fill some 200 MB.
  static constexpr size_t kMaxWriters = 1 << 20;
  static constexpr size_t kMaxIdBytes = 256;

  // INVALID_ARGUMENT for an empty or endless id, RESOURCE_EXHAUSTED for too many.
  absl::StatusOr<WriterSession> Open(const std::string& id);

  // What of the rows [first_sequence, first_sequence + rows) is new: how many at the beginning are
  // accepted already. ABORTED where the session was taken over, FAILED_PRECONDITION for a gap.
  static absl::StatusOr<uint32_t> Duplicates(const WriterSession& session, uint64_t first_sequence,
                                             uint32_t rows);

  // For recovery.
  void Restore(const std::string& id, uint64_t next_sequence);
  Writer& Find(const std::string& id);
  // Everything accepted and not stored is forgotten.
  void Rollback();

  size_t size() const { return writers_.size(); }
  void Save(v1::TableState& state) const;

 private:
  // Sessions point at writers: they never move.
  std::unordered_map<std::string, std::unique_ptr<Writer>> writers_;
};

}  // namespace estuary::replay
