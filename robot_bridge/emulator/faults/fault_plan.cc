#include "robot_bridge/emulator/faults/fault_plan.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/process/status.h"

namespace estuary::bridge {
namespace {

constexpr char kPrefix[] = "FAULT_KIND_";

// Of faults that have a length, where none is given.
constexpr uint32_t kDelayMs = 10;
constexpr uint32_t kFreezeMs = 200;
constexpr uint32_t kStuckMs = 50;
constexpr uint32_t kLongestMs = 60'000;

std::string Names() {
  std::string names;
  for (int kind = 1; kind < v1::FaultKind_ARRAYSIZE; ++kind) {
    absl::StrAppend(&names, kind > 1 ? ", " : "", FaultName(static_cast<v1::FaultKind>(kind)));
  }
  return names;
}

absl::Status Check(const v1::Fault& fault) {
  if (fault.kind() == v1::FAULT_KIND_UNSPECIFIED || !v1::FaultKind_IsValid(fault.kind())) {
    return absl::InvalidArgumentError(absl::StrCat("there is no such fault; there are ", Names()));
  }
  // Written so that a NaN fails.
  if (!(fault.rate() > 0 && fault.rate() <= 1)) {
    return absl::InvalidArgumentError(absl::StrCat("the rate of '", FaultName(fault.kind()),
                                                   "' must be in (0, 1], got ", fault.rate()));
  }
  if (fault.milliseconds() > kLongestMs) {
    return absl::InvalidArgumentError(absl::StrCat("'", FaultName(fault.kind()), "' lasts ",
                                                   kLongestMs, " ms at most, got ",
                                                   fault.milliseconds()));
  }
  return absl::OkStatus();
}

uint32_t UsualLength(v1::FaultKind kind) {
  switch (kind) {
    case v1::FAULT_KIND_DELAY:
      return kDelayMs;
    case v1::FAULT_KIND_FREEZE:
      return kFreezeMs;
    case v1::FAULT_KIND_STUCK:
      return kStuckMs;
    default:
      return 0;
  }
}

}  // namespace

std::string FaultName(v1::FaultKind kind) {
  return absl::AsciiStrToLower(absl::StripPrefix(v1::FaultKind_Name(kind), kPrefix));
}

v1::FaultKind FindFault(const std::string& name) {
  v1::FaultKind kind = v1::FAULT_KIND_UNSPECIFIED;
  if (!v1::FaultKind_Parse(absl::StrCat(kPrefix, absl::AsciiStrToUpper(name)), &kind)) {
    return v1::FAULT_KIND_UNSPECIFIED;
  }
  return kind;
}

absl::Status FaultPlan::Inject(const v1::InjectFaultsRequest& request) {
  for (const v1::Fault& fault : request.faults()) ESTUARY_RETURN_IF_ERROR(Check(fault));
  absl::MutexLock lock(&mutex_);
  if (request.clear()) faults_.fill(v1::Fault());
  for (const v1::Fault& fault : request.faults()) {
    v1::Fault& slot = faults_[fault.kind()];
    slot = fault;
    if (slot.milliseconds() == 0) slot.set_milliseconds(UsualLength(fault.kind()));
  }
  bool any = false;
  for (const v1::Fault& fault : faults_) any = any || fault.rate() > 0;
  any_ = any;
  return absl::OkStatus();
}

absl::Status FaultPlan::Inject(const std::string& flag) {
  v1::InjectFaultsRequest request;
  for (const absl::string_view text : absl::StrSplit(flag, ',', absl::SkipEmpty())) {
    const std::vector<std::string> parts = absl::StrSplit(text, ':');
    v1::Fault& fault = *request.add_faults();
    fault.set_kind(FindFault(parts[0]));
    double rate = 0;
    uint32_t milliseconds = 0;
    uint64_t count = 0;
    if (fault.kind() == v1::FAULT_KIND_UNSPECIFIED || parts.size() < 2 || parts.size() > 4 ||
        !absl::SimpleAtod(parts[1], &rate) ||
        (parts.size() > 2 && !absl::SimpleAtoi(parts[2], &milliseconds)) ||
        (parts.size() > 3 && !absl::SimpleAtoi(parts[3], &count))) {
      return absl::InvalidArgumentError(
          absl::StrCat("a fault is KIND:RATE[:MILLISECONDS[:COUNT]], KIND one of ", Names(),
                       "; got '", text, "'"));
    }
    fault.set_rate(rate);
    fault.set_milliseconds(milliseconds);
    fault.set_count(count);
  }
  return Inject(request);
}

bool FaultPlan::Happens(v1::FaultKind kind, int64_t* milliseconds) {
  if (!any_.load(std::memory_order_relaxed)) return false;
  absl::MutexLock lock(&mutex_);
  v1::Fault& fault = faults_[kind];
  if (fault.rate() <= 0 || random_.Uniform(0, 1) >= fault.rate()) return false;
  if (milliseconds != nullptr) *milliseconds = fault.milliseconds();
  ++happened_[kind];
  if (fault.count() == 1) {
    fault = v1::Fault();
  } else if (fault.count() > 1) {
    fault.set_count(fault.count() - 1);
  }
  return true;
}

uint64_t FaultPlan::Draw(uint64_t below) {
  absl::MutexLock lock(&mutex_);
  return static_cast<uint64_t>(random_.Uniform(0, static_cast<double>(below)));
}

v1::FaultReport FaultPlan::Report() const {
  absl::MutexLock lock(&mutex_);
  v1::FaultReport report;
  for (int kind = 1; kind < kKinds; ++kind) {
    if (faults_[kind].rate() > 0) *report.add_in_force() = faults_[kind];
    if (happened_[kind] == 0) continue;
    v1::FaultReport::Happened& happened = *report.add_happened();
    happened.set_kind(static_cast<v1::FaultKind>(kind));
    happened.set_count(happened_[kind]);
  }
  return report;
}

}  // namespace estuary::bridge
