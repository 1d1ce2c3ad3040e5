// A policy version made ready to act: the small network that actors, evaluators and the robot's
// loop run, without LibTorch.
//
// The tanh-Gaussian policy of policy.proto: a = tanh(mean) or tanh(mean + exp(log_std) * noise).
// A row's action has the same bits in a batch of any size. A NaN in an observation comes out as NaN
// actions, never as a plausible one: whoever drives something checks.
//
// Threads: const methods may run in any number of threads, each with its own Workspace. Act and
// ActStochastic allocate nothing, lock nothing and log nothing, so that the 200 Hz loop may call
// them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "estuary/v1/policy.pb.h"

namespace estuary::policy {

class Policy {
 public:
  // Scratch memory of one thread for one policy; more rows than `rows` are done in several turns.
  class Workspace {
   public:
    Workspace(const Policy& policy, int rows);
    ~Workspace();
    Workspace(Workspace&&) noexcept;
    Workspace& operator=(Workspace&&) noexcept;

   private:
    friend class Policy;
    struct Impl;
    std::unique_ptr<Impl> impl_;
  };

  // Checks everything that can be wrong with a version that came over a wire or from a file: shapes
  // that do not fit each other, sizes in bytes, numbers that are not finite, the SHA-256, and the
  // test vector (the arithmetic here must give the sender's action, test_vector.h says how nearly).
  // INVALID_ARGUMENT names what, with both values.
  static absl::StatusOr<std::shared_ptr<const Policy>> FromProto(const v1::PolicyVersion& version);
  ~Policy();

  uint64_t version() const { return version_; }
  const std::string& run_id() const { return run_id_; }
  const std::string& task() const { return task_; }
  int observation_dim() const { return observation_dim_; }
  int action_dim() const { return action_dim_; }

  // FAILED_PRECONDITION where it is another task's or has other dimensions.
  absl::Status CheckFits(const std::string& task, int observation_dim, int action_dim) const;

  // tanh(mean): observations [rows, observation_dim] row after row, actions [rows, action_dim].
  void Act(absl::Span<const float> observations, int rows, Workspace& workspace,
           absl::Span<float> actions) const;
  // tanh(mean + exp(log_std) * noise), noise [rows, action_dim] standard normal, the caller's.
  void ActStochastic(absl::Span<const float> observations, absl::Span<const float> noise, int rows,
                     Workspace& workspace, absl::Span<float> actions) const;

 private:
  struct Impl;
  Policy();

  std::unique_ptr<Impl> impl_;
  uint64_t version_ = 0;
  std::string run_id_;
  std::string task_;
  int observation_dim_ = 0;
  int action_dim_ = 0;
};

// Fills in sha256 (and nothing else). The sender calls it last.
void SealPolicyVersion(v1::PolicyVersion& version);

// Policy files (final_policy.pb): a serialised PolicyVersion, compressed by gzip where the name
// ends in ".gz"; reading looks at the content. Both check all that FromProto checks but the test
// vector.
absl::StatusOr<v1::PolicyVersion> ReadPolicyFile(const std::string& path);
absl::Status WritePolicyFile(const std::string& path, const v1::PolicyVersion& version);

}  // namespace estuary::policy
