#include "learner/core/cuda/given_batch.h"

#include <ATen/ATen.h>

#include <type_traits>
#include <vector>

namespace estuary::learner::cuda {

BatchShape ShapeOf(const StepBatch& batch) {
  const auto size = [](const at::Tensor& tensor, int64_t dimension) {
    return tensor.defined() ? static_cast<int>(tensor.size(dimension)) : 0;
  };
  return {.real = static_cast<int>(batch.real_rows),
          .sim = static_cast<int>(batch.sim_rows),
          .discriminator_rows = size(batch.discriminator_rows, 0) / 2,
          .noisy = size(batch.next_state_noise, 1),
          .cql = size(batch.cql_uniform_actions, 1)};
}

template <typename T>
void Give(const StepBatch& batch, Memory& memory, StepArguments<T>& step) {
  const auto copy = [&](const at::Tensor& tensor) -> const T* {
    if (!tensor.defined()) return nullptr;
    const at::Tensor values =
        tensor.to(std::is_same_v<T, double> ? at::kDouble : at::kFloat).contiguous();
    const T* data = values.const_data_ptr<T>();
    return memory.Copy(std::vector<T>(data, data + values.numel()));
  };
  GivenBatch<T>& given = step.given;
  given.rows = copy(batch.rows);
  if (batch.discriminator_rows.defined()) {
    given.discriminator_rows = copy(batch.discriminator_rows.narrow(1, 0, step.settings.sas));
  }
  given.discriminator_noise = copy(batch.discriminator_noise);
  given.policy_noise = copy(batch.policy_noise);
  given.next_policy_noise = copy(batch.next_policy_noise);
  given.next_state_noise = copy(batch.next_state_noise);
  if (batch.state_std.defined()) step.state_std = copy(batch.state_std);
  given.cql_current_noise = copy(batch.cql_current_noise);
  given.cql_next_noise = copy(batch.cql_next_noise);
  given.cql_uniform = copy(batch.cql_uniform_actions);
}

template void Give(const StepBatch&, Memory&, StepArguments<float>&);
template void Give(const StepBatch&, Memory&, StepArguments<double>&);

}  // namespace estuary::learner::cuda
