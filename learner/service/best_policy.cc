#include "learner/service/best_policy.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/policy/policy.h"
#include "common/process/files.h"
#include "common/process/log.h"
#include "common/process/status.h"
#include "estuary/v1/learner.pb.h"
#include "learner/service/checkpoint_files.h"

namespace estuary::learner {
namespace {

constexpr char kBest[] = "best";
constexpr char kCandidate[] = "candidate-";

std::string CandidateName(uint64_t version) { return absl::StrCat(kCandidate, version); }

absl::StatusOr<v1::PolicyVersion> PolicyOf(const Checkpoint& checkpoint) {
  const auto file = checkpoint.files.find(kPolicyFile);
  v1::PolicyUpdate update;
  if (file == checkpoint.files.end() || !update.ParseFromString(file->second)) {
    return absl::DataLossError(
        absl::StrCat("the checkpoint of step ", checkpoint.step, " has no policy"));
  }
  return update.policy();
}

}  // namespace

BestPolicy::BestPolicy(std::string policy_path, std::string record_path,
                       CheckpointStore* checkpoints)
    : policy_path_(std::move(policy_path)),
      record_path_(std::move(record_path)),
      checkpoints_(checkpoints) {}

absl::Status BestPolicy::Recall() {
  std::error_code ignored;
  if (!std::filesystem::exists(record_path_, ignored)) return absl::OkStatus();
  ESTUARY_ASSIGN_OR_RETURN(const std::string text, process::ReadFile(record_path_));
  try {
    const nlohmann::json record = nlohmann::json::parse(text);
    best_ = {.version = record.at("policy_version").get<uint64_t>(),
             .gradient_steps = record.at("gradient_steps").get<uint64_t>(),
             .real_return = record.at("real_return").get<double>(),
             .episodes = record.at("episodes").get<int>()};
  } catch (const nlohmann::json::exception& e) {
    return absl::DataLossError(absl::StrCat("'", record_path_, "' is damaged: ", e.what(),
                                            "; remove it to look for the best policy anew"));
  }
  return absl::OkStatus();
}

absl::Status BestPolicy::AddCandidate(uint64_t version, const Checkpoint& checkpoint) {
  return checkpoints_->WriteNamed(CandidateName(version), checkpoint);
}

absl::Status BestPolicy::Offer(const Evaluations::RealResult& result) {
  const std::string candidate = CandidateName(result.version);
  if (best_.version != 0 && !(result.mean_return > best_.real_return)) {
    checkpoints_->RemoveNamed(candidate);
    return absl::OkStatus();
  }
  absl::StatusOr<Checkpoint> checkpoint = checkpoints_->ReadNamed(candidate);
  const bool promoted = absl::IsNotFound(checkpoint.status());
  // A crash may have come between its new name and the record.
  if (promoted) checkpoint = checkpoints_->ReadNamed(kBest);
  if (absl::IsNotFound(checkpoint.status())) return absl::OkStatus();
  ESTUARY_RETURN_IF_ERROR(checkpoint.status());
  ESTUARY_ASSIGN_OR_RETURN(const v1::PolicyVersion policy, PolicyOf(*checkpoint));
  if (policy.version() != result.version) return absl::OkStatus();
  if (!promoted) ESTUARY_RETURN_IF_ERROR(checkpoints_->Rename(candidate, kBest));
  ESTUARY_RETURN_IF_ERROR(policy::WritePolicyFile(policy_path_, policy));
  const Record best = {.version = result.version,
                       .gradient_steps = policy.gradient_steps(),
                       .real_return = result.mean_return,
                       .episodes = result.episodes};
  const nlohmann::json record = {{"policy_version", best.version},
                                 {"gradient_steps", best.gradient_steps},
                                 {"environment_steps", policy.environment_steps()},
                                 {"real_return", best.real_return},
                                 {"episodes", best.episodes}};
  ESTUARY_RETURN_IF_ERROR(process::WriteFileAtomically(record_path_, record.dump(1) + "\n"));
  best_ = best;
  return absl::OkStatus();
}

void BestPolicy::KeepOnly(const std::set<uint64_t>& versions) {
  for (const std::string& name : checkpoints_->Names(kCandidate)) {
    uint64_t version = 0;
    if (!absl::SimpleAtoi(name.substr(sizeof(kCandidate) - 1), &version)) continue;
    if (versions.count(version) == 0) checkpoints_->RemoveNamed(name);
  }
}

}  // namespace estuary::learner
