#include "learner/service/checkpoint_store.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/process/files.h"
#include "common/process/log.h"
#include "common/process/status.h"

namespace estuary::learner {
namespace {

namespace fs = std::filesystem;

constexpr char kManifest[] = "manifest.json";
constexpr char kPrefix[] = "step-";
constexpr char kUnfinished[] = ".unfinished-";

std::string MakeManifest(const Checkpoint& checkpoint) {
  nlohmann::json files = nlohmann::json::object();
  for (const auto& [name, content] : checkpoint.files) {
    files[name] = {{"bytes", content.size()}, {"sha256", process::Sha256(content)}};
  }
  return nlohmann::json{{"format", 1}, {"step", checkpoint.step}, {"files", files}}.dump(1) + "\n";
}

absl::Status CheckFile(const std::string& path, const nlohmann::json& said,
                       const std::string& content) {
  const uint64_t bytes = said.at("bytes").get<uint64_t>();
  if (content.size() != bytes) {
    return absl::DataLossError(
        absl::StrCat("'", path, "' has ", content.size(), " bytes, its manifest says ", bytes));
  }
  const std::string sha256 = said.at("sha256").get<std::string>();
  if (const std::string is = process::Sha256(content); is != sha256) {
    return absl::DataLossError(
        absl::StrCat("'", path, "' has SHA-256 ", is, ", its manifest says ", sha256));
  }
  return absl::OkStatus();
}

}  // namespace

std::string CheckpointStore::PathOf(uint64_t step) const {
  return absl::StrCat(folder_, "/", kPrefix, step);
}

std::vector<uint64_t> CheckpointStore::Steps() const {
  std::vector<uint64_t> steps;
  std::error_code error;
  for (fs::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    uint64_t step = 0;
    if (absl::StartsWith(name, kPrefix) &&
        absl::SimpleAtoi(absl::StripPrefix(name, kPrefix), &step)) {
      steps.push_back(step);
    }
  }
  std::sort(steps.begin(), steps.end(), std::greater<>());
  return steps;
}

std::string CheckpointStore::NewestPath() const {
  const std::vector<uint64_t> steps = Steps();
  return steps.empty() ? "" : PathOf(steps.front());
}

absl::Status CheckpointStore::SetAsideNewerThan(uint64_t step) const {
  for (const uint64_t newer : Steps()) {
    if (newer <= step) break;
    const std::string aside = absl::StrCat(folder_, "/damaged-", kPrefix, newer);
    std::error_code ignored;
    fs::remove_all(aside, ignored);
    if (std::rename(PathOf(newer).c_str(), aside.c_str()) != 0) {
      return process::ErrnoStatus(
          errno, absl::StrCat("cannot rename '", PathOf(newer), "' to '", aside, "'"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> CheckpointStore::WriteUnfinished(const std::string& name,
                                                             const Checkpoint& checkpoint) const {
  std::error_code ignored;
  const std::string unfinished = absl::StrCat(folder_, "/", kUnfinished, name);
  fs::remove_all(unfinished, ignored);
  absl::Cleanup remove_unfinished = [&] { fs::remove_all(unfinished, ignored); };
  ESTUARY_RETURN_IF_ERROR(process::CreateDirectories(unfinished));
  for (const auto& [file, content] : checkpoint.files) {
    ESTUARY_RETURN_IF_ERROR(
        process::WriteFileAtomically(absl::StrCat(unfinished, "/", file), content));
  }
  ESTUARY_RETURN_IF_ERROR(process::WriteFileAtomically(absl::StrCat(unfinished, "/", kManifest),
                                                       MakeManifest(checkpoint)));
  std::move(remove_unfinished).Cancel();
  return unfinished;
}

absl::Status CheckpointStore::WriteNamed(const std::string& name, const Checkpoint& checkpoint) {
  ESTUARY_RETURN_IF_ERROR(process::CreateDirectories(folder_));
  ESTUARY_ASSIGN_OR_RETURN(const std::string unfinished, WriteUnfinished(name, checkpoint));
  return Rename(fs::path(unfinished).filename().string(), name);
}

absl::Status CheckpointStore::Rename(const std::string& from, const std::string& to) {
  std::error_code ignored;
  // A folder takes the place of an empty one only, so the old one goes first. A crash in between
  // leaves the new one under its other name.
  fs::remove_all(NamedPath(to), ignored);
  if (std::rename(NamedPath(from).c_str(), NamedPath(to).c_str()) != 0) {
    return process::ErrnoStatus(
        errno, absl::StrCat("cannot rename '", NamedPath(from), "' to '", NamedPath(to), "'"));
  }
  return process::SyncDirectory(folder_);
}

void CheckpointStore::RemoveNamed(const std::string& name) const {
  std::error_code error;
  fs::remove_all(NamedPath(name), error);
  if (error) spdlog::warn("cannot remove '{}': {}", NamedPath(name), error.message());
}

std::vector<std::string> CheckpointStore::Names(const std::string& prefix) const {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
    std::string name = it->path().filename().string();
    if (absl::StartsWith(name, prefix)) names.push_back(std::move(name));
  }
  return names;
}

absl::StatusOr<Checkpoint> CheckpointStore::ReadNamed(const std::string& name) const {
  std::error_code ignored;
  if (!fs::exists(NamedPath(name), ignored)) {
    return absl::NotFoundError(absl::StrCat("there is no checkpoint '", NamedPath(name), "'"));
  }
  return ReadFolder(NamedPath(name));
}

absl::Status CheckpointStore::Write(const Checkpoint& checkpoint) {
  ESTUARY_RETURN_IF_ERROR(process::CreateDirectories(folder_));
  const std::string path = PathOf(checkpoint.step);
  std::error_code ignored;
  if (fs::exists(path, ignored)) {
    if (Read(checkpoint.step).ok()) return absl::OkStatus();
    fs::remove_all(path, ignored);
  }
  ESTUARY_ASSIGN_OR_RETURN(const std::string unfinished,
                           WriteUnfinished(absl::StrCat(checkpoint.step), checkpoint));
  absl::Cleanup remove_unfinished = [&] { fs::remove_all(unfinished, ignored); };
  if (std::rename(unfinished.c_str(), path.c_str()) != 0) {
    return process::ErrnoStatus(errno,
                                absl::StrCat("cannot rename '", unfinished, "' to '", path, "'"));
  }
  ESTUARY_RETURN_IF_ERROR(process::SyncDirectory(folder_));
  RemoveOld();
  return absl::OkStatus();
}

void CheckpointStore::RemoveOld() const {
  std::vector<uint64_t> steps = Steps();
  std::error_code error;
  for (size_t i = static_cast<size_t>(keep_); i < steps.size(); ++i) {
    fs::remove_all(PathOf(steps[i]), error);
    if (error) {
      spdlog::warn("cannot remove the old checkpoint '{}': {}", PathOf(steps[i]), error.message());
    }
  }
}

absl::StatusOr<Checkpoint> CheckpointStore::Read(uint64_t step) const {
  ESTUARY_ASSIGN_OR_RETURN(Checkpoint checkpoint, ReadFolder(PathOf(step)));
  if (checkpoint.step != step) {
    return absl::DataLossError(absl::StrCat("the manifest in '", PathOf(step), "' says step ",
                                            checkpoint.step, ", not ", step));
  }
  return checkpoint;
}

absl::StatusOr<Checkpoint> CheckpointStore::ReadFolder(const std::string& path) const {
  const std::string manifest_path = absl::StrCat(path, "/", kManifest);
  ESTUARY_ASSIGN_OR_RETURN(const std::string text, process::ReadFile(manifest_path));
  Checkpoint checkpoint;
  try {
    const nlohmann::json manifest = nlohmann::json::parse(text);
    if (manifest.at("format").get<int>() != 1) {
      return absl::DataLossError(absl::StrCat("'", manifest_path, "' is of format ",
                                              manifest.at("format").dump(), ", not 1"));
    }
    checkpoint.step = manifest.at("step").get<uint64_t>();
    for (const auto& [name, said] : manifest.at("files").items()) {
      const std::string file_path = absl::StrCat(path, "/", name);
      ESTUARY_ASSIGN_OR_RETURN(std::string content, process::ReadFile(file_path));
      ESTUARY_RETURN_IF_ERROR(CheckFile(file_path, said, content));
      checkpoint.files[name] = std::move(content);
    }
  } catch (const nlohmann::json::exception& e) {
    return absl::DataLossError(absl::StrCat("'", manifest_path, "' is damaged: ", e.what()));
  }
  return checkpoint;
}

absl::StatusOr<Checkpoint> CheckpointStore::ReadNewest() const {
  const std::vector<uint64_t> steps = Steps();
  if (steps.empty()) return absl::NotFoundError(absl::StrCat("no checkpoint in '", folder_, "'"));
  std::vector<std::string> damaged;
  for (const uint64_t step : steps) {
    absl::StatusOr<Checkpoint> checkpoint = Read(step);
    if (checkpoint.ok()) return checkpoint;
    damaged.emplace_back(checkpoint.status().message());
    spdlog::error("the checkpoint '{}' cannot be used: {}", PathOf(step), damaged.back());
  }
  return absl::DataLossError(absl::StrCat("no checkpoint in '", folder_,
                                          "' is good: ", absl::StrJoin(damaged, "; "),
                                          "; train anew under another name"));
}

}  // namespace estuary::learner
