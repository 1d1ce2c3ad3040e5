#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/dataset/writer.h"
#include "common/hdf5/file.h"
#include "common/process/status.h"

namespace estuary::dataset {
namespace {

// Chunks of this size are written at once and fit HDF5's cache.
constexpr uint64_t kChunkBytes = 256 << 10;

class D4rlWriter : public Writer {
 public:
  D4rlWriter(hdf5::File file, std::string path)
      : file_(std::move(file)), path_(std::move(path)), partial_(file_.path()) {}
  ~D4rlWriter() override {
    if (!finished_) std::remove(partial_.c_str());
  }

  absl::Status Begin(const Origin& origin) {
    const auto obs = static_cast<uint64_t>(origin.observation_dim);
    const auto act = static_cast<uint64_t>(origin.action_dim);
    ESTUARY_RETURN_IF_ERROR(Column<float>("observations", {obs}));
    ESTUARY_RETURN_IF_ERROR(Column<float>("actions", {act}));
    ESTUARY_RETURN_IF_ERROR(Column<float>("rewards", {}));
    ESTUARY_RETURN_IF_ERROR(Column<float>("next_observations", {obs}));
    ESTUARY_RETURN_IF_ERROR(Column<uint8_t>("terminals", {}));
    ESTUARY_RETURN_IF_ERROR(Column<uint8_t>("timeouts", {}));
    ESTUARY_RETURN_IF_ERROR(file_.SetAttribute("/", "task", origin.task));
    return file_.SetAttribute("/", "generator", origin.generator);
  }

  absl::Status Append(const Batch& batch) override {
    ESTUARY_RETURN_IF_ERROR(file_.Append<float>("observations", batch.observations));
    ESTUARY_RETURN_IF_ERROR(file_.Append<float>("actions", batch.actions));
    ESTUARY_RETURN_IF_ERROR(file_.Append<float>("rewards", batch.rewards));
    ESTUARY_RETURN_IF_ERROR(file_.Append<float>("next_observations", batch.next_observations));
    ESTUARY_RETURN_IF_ERROR(file_.Append<uint8_t>("terminals", batch.terminals));
    return file_.Append<uint8_t>("timeouts", batch.timeouts);
  }

  absl::Status Finish() override {
    ESTUARY_RETURN_IF_ERROR(file_.Close());
    if (std::rename(partial_.c_str(), path_.c_str()) != 0) {
      return process::ErrnoStatus(errno,
                                  absl::StrCat("cannot rename '", partial_, "' to '", path_, "'"));
    }
    finished_ = true;
    return absl::OkStatus();
  }

 private:
  template <class T>
  absl::Status Column(const char* name, const hdf5::Shape& row) {
    const uint64_t bytes = sizeof(T) * hdf5::ElementCount(row);
    return file_.CreateAppendable<T>(name, row,
                                     {.chunk_rows = std::max<uint64_t>(1, kChunkBytes / bytes)});
  }

  hdf5::File file_;
  const std::string path_;
  const std::string partial_;
  bool finished_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Writer>> CreateD4rl(const std::string& path, const Origin& origin) {
  ESTUARY_ASSIGN_OR_RETURN(hdf5::File file, hdf5::File::Create(absl::StrCat(path, ".partial")));
  auto writer = std::make_unique<D4rlWriter>(std::move(file), path);
  ESTUARY_RETURN_IF_ERROR(writer->Begin(origin));
  return writer;
}

}  // namespace estuary::dataset
