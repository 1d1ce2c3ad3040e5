#include "common/process/process_context.h"

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace estuary::process {
namespace {

struct Holder {
  absl::Mutex mutex;
  ProcessContext context ABSL_GUARDED_BY(mutex);
  std::string name_label ABSL_GUARDED_BY(mutex);
};

Holder& Only() {
  // The logger may outlive every static object.
  static auto& holder = *new Holder();
  return holder;
}

void Assign(std::string ProcessContext::*field, const std::string& value) {
  Holder& holder = Only();
  const absl::MutexLock lock(&holder.mutex);
  holder.context.*field = value;
}

}  // namespace

ProcessContext Context() {
  Holder& holder = Only();
  const absl::MutexLock lock(&holder.mutex);
  return holder.context;
}

void SetPart(const std::string& part) { Assign(&ProcessContext::part, part); }
void SetRun(const std::string& run) { Assign(&ProcessContext::run, run); }
void SetTask(const std::string& task) { Assign(&ProcessContext::task, task); }

void SetName(const std::string& name, const std::string& label) {
  Holder& holder = Only();
  const absl::MutexLock lock(&holder.mutex);
  holder.context.name = name;
  holder.name_label = label;
}

void SetPolicyVersion(uint64_t version) {
  Holder& holder = Only();
  const absl::MutexLock lock(&holder.mutex);
  holder.context.policy_version = version;
}

Labels ContextLabels() {
  Holder& holder = Only();
  const absl::MutexLock lock(&holder.mutex);
  Labels labels;
  if (!holder.context.run.empty()) labels["run"] = holder.context.run;
  if (!holder.name_label.empty()) labels[holder.name_label] = holder.context.name;
  return labels;
}

}  // namespace estuary::process
