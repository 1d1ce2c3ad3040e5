#include "cli/sweep/plan.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/training/settings.h"
#include "common/experiment/experiment.h"
#include "common/process/status.h"
#include "common/process/textproto.h"

namespace estuary::cli {
namespace {

namespace fs = std::filesystem;

constexpr char kEnding[] = ".textproto";

// Relative dataset paths are relative to the sweep's file.
void ApplyFrom(v1::Experiment settings, const fs::path& folder, v1::Experiment* experiment) {
  if (!settings.dataset().path().empty()) {
    settings.mutable_dataset()->set_path(
        (folder / settings.dataset().path()).lexically_normal().string());
  }
  ApplySettings(settings, experiment);
}

absl::StatusOr<v1::Experiment> CellExperiment(const v1::Sweep& sweep, const v1::SweepAxis& row,
                                              const v1::SweepAxis& column, const fs::path& folder) {
  v1::Experiment experiment;
  for (const v1::SweepAxis* axis : {&row, &column}) {
    if (!axis->experiment().empty()) {
      ESTUARY_ASSIGN_OR_RETURN(
          const v1::Experiment base,
          experiment::ReadExperiment((folder / axis->experiment()).lexically_normal().string()));
      ApplySettings(base, &experiment);
    }
    ApplyFrom(axis->settings(), folder, &experiment);
  }
  for (const v1::SweepCell& cell : sweep.cells()) {
    if (cell.row() == row.label() && cell.column() == column.label()) {
      ApplyFrom(cell.settings(), folder, &experiment);
    }
  }
  ApplyFrom(sweep.settings(), folder, &experiment);
  return experiment;
}

// What the training depends on: equal keys, equal trainings.
absl::StatusOr<std::string> KeyOf(v1::Experiment experiment) {
  experiment.set_name("key");
  v1::Experiment effective = experiment;
  ESTUARY_RETURN_IF_ERROR(experiment::FillDefaults(effective));
  if (!experiment::UsesRealData(effective)) experiment.clear_dataset();
  if (!experiment::UsesSimulation(effective)) experiment.clear_gap();
  return process::ToTextProto(experiment);
}

absl::Status CheckAxis(const google::protobuf::RepeatedPtrField<v1::SweepAxis>& axis,
                       const std::string& what) {
  if (axis.empty()) return absl::InvalidArgumentError(absl::StrCat("the sweep has no ", what));
  std::map<std::string, std::string> slugs;
  for (const v1::SweepAxis& entry : axis) {
    const std::string slug = Slug(entry.label());
    if (slug.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("one of the ", what, " has the label '",
                                                     entry.label(),
                                                     "'; a label needs a letter or a digit"));
    }
    const auto [place, added] = slugs.emplace(slug, entry.label());
    if (!added) {
      return absl::InvalidArgumentError(absl::StrCat("two of the ", what, " are called '",
                                                     place->second, "' and '", entry.label(),
                                                     "': labels must differ in letters or digits"));
    }
  }
  return absl::OkStatus();
}

// `entries` name cells of the sweep, each at most once; `what` is said of one that does not.
template <typename Entries>
absl::Status CheckCells(const v1::Sweep& sweep, const Entries& entries, const std::string& what) {
  const auto has = [](const auto& axis, const std::string& label) {
    return std::any_of(axis.begin(), axis.end(),
                       [&](const v1::SweepAxis& entry) { return entry.label() == label; });
  };
  std::set<std::pair<std::string, std::string>> seen;
  for (const auto& entry : entries) {
    const std::string cell = absl::StrCat("the cell '", entry.row(), "' / '", entry.column(), "'");
    if (!has(sweep.rows(), entry.row()) || !has(sweep.columns(), entry.column())) {
      return absl::InvalidArgumentError(
          absl::StrCat(what, " for ", cell, ", which the sweep does not have"));
    }
    if (!seen.emplace(entry.row(), entry.column()).second) {
      return absl::InvalidArgumentError(absl::StrCat(what, " twice for ", cell, "; keep one"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> FindSweep(const std::string& name_or_path) {
  std::error_code error;
  if (fs::is_regular_file(name_or_path, error)) return name_or_path;
  const std::string path = absl::StrCat(kSweepsFolder, "/", name_or_path, kEnding);
  if (fs::is_regular_file(path, error)) return path;
  return absl::NotFoundError(absl::StrCat("there is no sweep '", name_or_path,
                                          "' (neither a file nor ", path,
                                          "); there are: ", absl::StrJoin(SweepNames(), ", ")));
}

}  // namespace

std::string Slug(const std::string& label) {
  std::string slug;
  for (const char c : label) {
    if (c == '+') {
      slug += slug.empty() || slug.back() == '_' ? "plus_" : "_plus_";
      continue;
    }
    const bool fits = absl::ascii_isalnum(c) || c == '.' || c == '-';
    if (fits) {
      slug += absl::ascii_tolower(c);
    } else if (!slug.empty() && slug.back() != '_') {
      slug += '_';
    }
  }
  while (!slug.empty() && slug.back() == '_') slug.pop_back();
  return slug;
}

std::vector<std::string> SweepNames() {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(kSweepsFolder, error)) {
    if (entry.path().extension() == kEnding) names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<SweepPlan> PlanSweep(const std::string& name_or_path) {
  ESTUARY_ASSIGN_OR_RETURN(const std::string path, FindSweep(name_or_path));
  SweepPlan plan;
  plan.name = fs::path(path).stem().string();
  ESTUARY_RETURN_IF_ERROR(process::ReadTextProto(path, &plan.sweep));
  const v1::Sweep& sweep = plan.sweep;
  ESTUARY_RETURN_IF_ERROR(process::Annotate(CheckAxis(sweep.rows(), "rows"), path));
  ESTUARY_RETURN_IF_ERROR(process::Annotate(CheckAxis(sweep.columns(), "columns"), path));
  ESTUARY_RETURN_IF_ERROR(
      process::Annotate(CheckCells(sweep, sweep.published(), "a published score is"), path));
  ESTUARY_RETURN_IF_ERROR(
      process::Annotate(CheckCells(sweep, sweep.cells(), "settings are given"), path));
  const std::set<uint64_t> seeds(sweep.seeds().begin(), sweep.seeds().end());
  if (seeds.empty() || seeds.size() != static_cast<size_t>(sweep.seeds_size())) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": seeds must name at least one seed, each once; it has ", sweep.seeds_size()));
  }
  if (sweep.trainings().find('/') != std::string::npos || sweep.trainings() == "..") {
    return absl::InvalidArgumentError(absl::StrCat(path, ": trainings is '", sweep.trainings(),
                                                   "'; it is the name of another sweep"));
  }
  const fs::path folder = fs::absolute(path).parent_path();
  std::map<std::string, size_t> known;
  for (const v1::SweepAxis& row : sweep.rows()) {
    auto& columns = plan.cells.emplace_back();
    for (const v1::SweepAxis& column : sweep.columns()) {
      auto& cell = columns.emplace_back();
      const std::string where =
          absl::StrCat(path, ", cell '", row.label(), "' / '", column.label(), "'");
      absl::StatusOr<v1::Experiment> experiment = CellExperiment(sweep, row, column, folder);
      ESTUARY_RETURN_IF_ERROR(process::Annotate(experiment.status(), where));
      for (const uint64_t seed : sweep.seeds()) {
        experiment->set_seed(seed);
        const absl::StatusOr<std::string> key = KeyOf(*experiment);
        ESTUARY_RETURN_IF_ERROR(process::Annotate(key.status(), where));
        const auto [place, added] = known.emplace(*key, plan.runs.size());
        if (added) {
          SweepRun& run = plan.runs.emplace_back();
          run.name = absl::StrCat(Slug(row.label()), "-", Slug(column.label()), "-seed-", seed);
          run.experiment = *experiment;
          run.experiment.set_name(run.name);
        }
        cell.push_back(place->second);
      }
    }
  }
  return plan;
}

}  // namespace estuary::cli
