#include "learner/service/evaluations.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/process/log.h"
#include "common/process/status.h"

namespace estuary::learner {
namespace {

constexpr char kReal[] = "real";
constexpr char kSim[] = "sim";
constexpr int kMostEpisodes = 10'000;
constexpr size_t kMostFigures = 100;
// Versions remembered: far more than can wait at once.
constexpr size_t kMostVersions = 4096;

absl::Status CheckEpisodes(const v1::ReportEvaluationRequest& report) {
  if (report.episodes().empty() || report.episodes_size() > kMostEpisodes) {
    return absl::InvalidArgumentError(absl::StrCat("an evaluation has 1 to ", kMostEpisodes,
                                                   " episodes, got ", report.episodes_size()));
  }
  for (int i = 0; i < report.episodes_size(); ++i) {
    const v1::Episode& episode = report.episodes(i);
    if (!std::isfinite(episode.episode_return())) {
      return absl::InvalidArgumentError(absl::StrCat("episode ", i, " has the return ",
                                                     episode.episode_return(),
                                                     "; it must be a finite number"));
    }
    if (episode.steps() == 0) {
      return absl::InvalidArgumentError(absl::StrCat("episode ", i, " has no steps"));
    }
    if (episode.figures().size() > kMostFigures) {
      return absl::InvalidArgumentError(absl::StrCat(
          "episode ", i, " has ", episode.figures().size(), " figures; at most ", kMostFigures));
    }
    for (const auto& [name, value] : episode.figures()) {
      if (!std::isfinite(value)) {
        return absl::InvalidArgumentError(absl::StrCat("episode ", i, " has ", name, " = ", value,
                                                       "; it must be a finite number"));
      }
    }
  }
  return absl::OkStatus();
}

std::vector<double> Returns(const v1::ReportEvaluationRequest& report) {
  std::vector<double> returns;
  for (const v1::Episode& episode : report.episodes()) returns.push_back(episode.episode_return());
  return returns;
}

nlohmann::json ToLine(const v1::ReportEvaluationRequest& report, uint64_t gradient_steps,
                      uint64_t environment_steps) {
  std::vector<double> returns;
  std::vector<uint64_t> steps;
  std::vector<bool> terminated;
  // One number an episode; null in an episode that has none of that name.
  std::map<std::string, std::vector<nlohmann::json>> figures;
  for (const v1::Episode& episode : report.episodes()) {
    returns.push_back(episode.episode_return());
    steps.push_back(episode.steps());
    terminated.push_back(episode.terminated());
    for (const auto& [name, value] : episode.figures()) {
      figures[name].resize(returns.size() - 1);
      figures[name].push_back(value);
    }
  }
  for (auto& [name, values] : figures) values.resize(returns.size());
  return {{"policy_version", report.policy_version()},
          {"gradient_steps", gradient_steps},
          {"environment_steps", environment_steps},
          {"dynamics", report.dynamics()},
          {"returns", returns},
          {"steps", steps},
          {"terminated", terminated},
          {"figures", figures}};
}

}  // namespace

Evaluations::Evaluations(const v1::Evaluation& wanted, JsonLines* lines, LearnerMetrics* metrics)
    : lines_(lines), metrics_(metrics) {
  if (wanted.episodes() > 0) dynamics_.insert(kReal);
  if (wanted.sim_episodes() > 0) dynamics_.insert(kSim);
}

void Evaluations::Expect(uint64_t version, uint64_t gradient_steps, uint64_t environment_steps) {
  absl::MutexLock lock(&mutex_);
  Awaited awaited{gradient_steps, environment_steps, dynamics_};
  std::erase_if(awaited.missing,
                [&](const std::string& dynamics) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
                  return recalled_.count({version, dynamics}) > 0;
                });
  versions_[version] = std::move(awaited);
  if (versions_.size() > kMostVersions) versions_.erase(versions_.begin());
}

void Evaluations::Recall(const nlohmann::json& line) {
  absl::MutexLock lock(&mutex_);
  try {
    const auto version = line.at("policy_version").get<uint64_t>();
    const auto dynamics = line.at("dynamics").get<std::string>();
    const auto returns = line.at("returns").get<std::vector<double>>();
    recalled_.emplace(version, dynamics);
    if (returns.empty()) return;
    Take(version, dynamics, returns);
  } catch (const nlohmann::json::exception& e) {
    spdlog::warn("a line of evaluations.jsonl is not as it should be: {}", e.what());
  }
}

void Evaluations::Take(uint64_t version, const std::string& dynamics,
                       const std::vector<double>& returns) {
  if (metrics_ != nullptr) metrics_->SetEvaluation(version, dynamics, returns);
  const double mean = std::accumulate(returns.begin(), returns.end(), 0.0) / returns.size();
  if (dynamics == kReal) {
    real_results_.push_back({version, mean, static_cast<int>(returns.size())});
  }
  if (version < newest_.version) return;
  newest_.version = version;
  (dynamics == kReal ? newest_.real_return : newest_.sim_return) = mean;
}

absl::Status Evaluations::Report(const v1::ReportEvaluationRequest& report, bool* complete) {
  *complete = false;
  if (dynamics_.count(report.dynamics()) == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("an evaluation on the dynamics '", report.dynamics(),
                     "'; this experiment wants: ", absl::StrJoin(dynamics_, ", ")));
  }
  ESTUARY_RETURN_IF_ERROR(CheckEpisodes(report));
  absl::MutexLock lock(&mutex_);
  const auto it = versions_.find(report.policy_version());
  if (it == versions_.end()) {
    return absl::NotFoundError(absl::StrCat(
        "policy version ", report.policy_version(), " is none that this learner wants evaluated",
        versions_.empty() ? "" : absl::StrCat("; its newest is ", versions_.rbegin()->first)));
  }
  Awaited& awaited = it->second;
  if (awaited.missing.count(report.dynamics()) > 0) {
    ESTUARY_RETURN_IF_ERROR(
        lines_->Append(ToLine(report, awaited.gradient_steps, awaited.environment_steps)));
    awaited.missing.erase(report.dynamics());
    Take(report.policy_version(), report.dynamics(), Returns(report));
    last_report_ = absl::Now();
  }
  *complete = awaited.missing.empty();
  return absl::OkStatus();
}

bool Evaluations::CompleteLocked(uint64_t version) const {
  const auto it = versions_.find(version);
  return it != versions_.end() && it->second.missing.empty();
}

bool Evaluations::Complete(uint64_t version) const {
  absl::MutexLock lock(&mutex_);
  return CompleteLocked(version);
}

bool Evaluations::WaitUntilComplete(uint64_t version, absl::Duration timeout) const {
  absl::MutexLock lock(&mutex_);
  auto complete = [this, version]()
                      ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return CompleteLocked(version); };
  return mutex_.AwaitWithTimeout(absl::Condition(&complete), timeout);
}

Evaluations::Newest Evaluations::newest() const {
  absl::MutexLock lock(&mutex_);
  return newest_;
}

std::vector<Evaluations::RealResult> Evaluations::TakeRealResults() {
  absl::MutexLock lock(&mutex_);
  return std::exchange(real_results_, {});
}

absl::Time Evaluations::last_report() const {
  absl::MutexLock lock(&mutex_);
  return last_report_;
}

}  // namespace estuary::learner
