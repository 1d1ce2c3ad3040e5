#include "replay_server/writer_registry.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace estuary::replay {

absl::StatusOr<WriterSession> WriterRegistry::Open(const std::string& id) {
  if (id.empty() || id.size() > kMaxIdBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("a writer_id has 1 to ", kMaxIdBytes, " bytes, this one ", id.size()));
  }
  if (writers_.size() >= kMaxWriters && writers_.count(id) == 0) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the table knows ", writers_.size(), " writers, which is the limit"));
  }
  Writer& writer = Find(id);
  ++writer.session;
  return WriterSession{.writer = &writer, .number = writer.session};
}

absl::StatusOr<uint32_t> WriterRegistry::Duplicates(const WriterSession& session,
                                                    uint64_t first_sequence, uint32_t rows) {
  const Writer& writer = *session.writer;
  if (session.number != writer.session) {
    return absl::AbortedError(absl::StrCat("writer '", writer.id,
                                           "' has opened another stream; is a second process "
                                           "running with the same writer_id?"));
  }
  if (first_sequence > writer.accepted) {
    return absl::FailedPreconditionError(
        absl::StrCat("writer '", writer.id, "' sent rows from sequence ", first_sequence,
                     ", but the next one is ", writer.accepted, ": ",
                     first_sequence - writer.accepted, " rows are missing between"));
  }
  if (first_sequence + rows < first_sequence) {
    return absl::InvalidArgumentError(
        absl::StrCat("sequence ", first_sequence, " + ", rows, " rows is beyond all numbers"));
  }
  return static_cast<uint32_t>(std::min<uint64_t>(writer.accepted - first_sequence, rows));
}

Writer& WriterRegistry::Find(const std::string& id) {
  std::unique_ptr<Writer>& writer = writers_[id];
  if (writer == nullptr) {
    writer = std::make_unique<Writer>();
    writer->id = id;
  }
  return *writer;
}

void WriterRegistry::Restore(const std::string& id, uint64_t next_sequence) {
  Writer& writer = Find(id);
  writer.stored = next_sequence;
  writer.accepted = next_sequence;
}

void WriterRegistry::Rollback() {
  for (auto& [id, writer] : writers_) writer->accepted = writer->stored;
}

void WriterRegistry::Save(v1::TableState& state) const {
  for (const auto& [id, writer] : writers_) {
    if (writer->stored == 0) continue;
    v1::TableState::Writer& saved = *state.add_writers();
    saved.set_writer_id(id);
    saved.set_next_sequence(writer->stored);
  }
}

}  // namespace estuary::replay
