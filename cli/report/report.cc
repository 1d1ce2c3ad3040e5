#include "cli/report/report.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/progress/format.h"
#include "cli/report/curves.h"
#include "cli/report/episode_figures.h"
#include "cli/report/figure.h"
#include "cli/report/page.h"
#include "cli/report/spread.h"
#include "common/process/files.h"
#include "common/process/status.h"
#include "common/process/textproto.h"
#include "worlds/world.h"

namespace estuary::cli {
namespace {

constexpr char kNothing[] = "–";

std::string Number(std::optional<double> value, const char* format) {
  if (!value) return kNothing;
  return absl::StrFormat(*absl::ParsedFormat<'f'>::New(format), *value);
}

std::string Grouped(std::optional<double> value) {
  if (!value) return kNothing;
  const std::string digits = WithCommas(static_cast<uint64_t>(std::llround(std::abs(*value))));
  return *value < -0.5 ? absl::StrCat("−", digits) : digits;
}

std::optional<double> FinalReturn(const RunData& run, const std::string& dynamics) {
  const auto found = run.final_evaluation.find(dynamics);
  if (found == run.final_evaluation.end() || found->second.returns.empty()) return std::nullopt;
  return found->second.MeanReturn();
}

std::optional<double> ControlPeriod(const RunData& run) {
  const absl::StatusOr<worlds::TaskSpec> task = worlds::FindTask(run.experiment.task());
  if (!task.ok()) return std::nullopt;
  return task->control_period;
}

// Mean seconds of the final evaluation's episodes.
std::optional<double> FinalSeconds(const RunData& run, const std::string& dynamics) {
  const auto found = run.final_evaluation.find(dynamics);
  const std::optional<double> period = ControlPeriod(run);
  if (found == run.final_evaluation.end() || found->second.steps.empty() || !period) {
    return std::nullopt;
  }
  return *period * found->second.MeanSteps();
}

// What a row of the comparison says of a run, as numbers, so that medians can be taken.
struct RowNumbers {
  std::optional<double> drive_seconds;
  std::optional<double> final_x;
  std::optional<double> max_x;
  std::optional<double> drive_return;
  std::optional<double> real_seconds;
  std::optional<double> real_return;
  std::optional<double> sim_return;
};

constexpr std::optional<double> RowNumbers::*kColumns[] = {
    &RowNumbers::drive_seconds, &RowNumbers::final_x,      &RowNumbers::max_x,
    &RowNumbers::drive_return,  &RowNumbers::real_seconds, &RowNumbers::real_return,
    &RowNumbers::sim_return};

RowNumbers NumbersOf(const RunData& run) {
  RowNumbers row;
  if (run.drive) {
    row.drive_seconds = run.drive->seconds;
    row.drive_return = run.drive->episode_return;
    if (run.drive->track.observation_dim == 4) {
      row.final_x = std::abs(run.drive->final_x);
      row.max_x = run.drive->max_abs_x;
    }
  }
  row.real_seconds = FinalSeconds(run, "real");
  row.real_return = FinalReturn(run, "real");
  row.sim_return = FinalReturn(run, "sim");
  return row;
}

std::vector<std::string> Cells(const std::string& name, const RowNumbers& row,
                               const std::string& end) {
  return {name,
          Number(row.drive_seconds, "%.1f"),
          end,
          Number(row.final_x, "%.3f"),
          Number(row.max_x, "%.3f"),
          Grouped(row.drive_return),
          Number(row.real_seconds, "%.1f"),
          Grouped(row.real_return),
          Grouped(row.sim_return)};
}

std::string EndOf(const RunData& run) {
  if (!run.drive) return kNothing;
  const std::string end = DriveEndName(run.drive->end);
  const uint64_t helped = run.drive->fallback_transitions;
  return helped == 0 ? end : absl::StrCat(end, ", ", helped, " periods by the fallback");
}

RowNumbers Medians(const std::vector<RowNumbers>& rows) {
  RowNumbers medians;
  for (const auto column : kColumns) {
    std::vector<double> values;
    for (const RowNumbers& row : rows) {
      if (row.*column) values.push_back(*(row.*column));
    }
    if (!values.empty()) medians.*column = SpreadOf(std::move(values)).median;
  }
  return medians;
}

std::string Subtitle(const RunData& run) {
  const v1::Experiment& e = run.experiment;
  return absl::StrCat(AlgorithmTitle(run), " on ", e.task(), ", seed ", e.seed(), ", ",
                      WithCommas(e.budget().gradient_steps()), " gradient steps",
                      e.deterministic() ? ", deterministic" : "");
}

absl::Status DrawInto(Page& page, Plotter& plotter, const std::vector<Figure>& figures) {
  std::vector<std::string> svgs;
  for (const Figure& figure : figures) {
    if (figure.series.empty()) continue;
    ESTUARY_ASSIGN_OR_RETURN(std::string svg, plotter.Draw(figure));
    svgs.push_back(std::move(svg));
  }
  page.Figures(svgs);
  return absl::OkStatus();
}

std::vector<std::vector<std::string>> FinalTable(const RunData& run) {
  std::vector<std::vector<std::string>> rows = {
      {"final policy", "episodes", "mean return", "worst", "best", "mean seconds", "fell"}};
  for (const auto& [dynamics, point] : run.final_evaluation) {
    if (point.returns.empty()) continue;
    const auto [worst, best] = std::minmax_element(point.returns.begin(), point.returns.end());
    rows.push_back({dynamics == "real" ? "in reality" : "in simulation",
                    absl::StrCat(point.returns.size()), Grouped(point.MeanReturn()),
                    Grouped(*worst), Grouped(*best), Number(FinalSeconds(run, dynamics), "%.1f"),
                    absl::StrCat(point.terminated)});
  }
  return rows;
}

bool HasDrive(const std::vector<RunData>& runs) {
  return std::any_of(runs.begin(), runs.end(),
                     [](const RunData& run) { return run.drive.has_value(); });
}

// What the policies did with the robot; nothing where no run has an episode.
absl::Status AddEpisodes(const std::vector<RunData>& runs, Page& page, Plotter& plotter) {
  std::vector<Figure> figures;
  for (const EpisodePanel& panel : EpisodePanels(runs.front().experiment.task())) {
    Figure figure = EpisodeFigure(runs, panel);
    if (!figure.series.empty()) figures.push_back(std::move(figure));
  }
  if (figures.empty()) return absl::OkStatus();
  page.Heading(HasDrive(runs) ? "On the robot" : "An episode in reality");
  ESTUARY_RETURN_IF_ERROR(DrawInto(page, plotter, figures));
  const std::vector<std::string> strips = FilmStrips(runs);
  if (strips.empty()) return absl::OkStatus();
  page.Paragraph(
      "The robot from the side, drawn from the recorded pitch and position at equal distances in "
      "time; marks on the floor are 0.25 m apart.");
  page.WideFigures(strips);
  return absl::OkStatus();
}

}  // namespace

std::string AlgorithmTitle(const RunData& run) {
  const std::string name = run.algorithm();
  if (name == "sac") return "SAC (sim)";
  if (name == "cql") return "CQL (real)";
  return absl::AsciiStrToUpper(name);
}

std::vector<std::vector<std::string>> ComparisonTable(const std::vector<RunData>& runs) {
  std::vector<std::vector<std::string>> table = {
      {"policy", "drove for, s", "end", "final |x|, m", "max |x|, m", "return of the drive",
       "survival in reality, s", "return in reality", "return in simulation"}};
  std::map<std::string, std::vector<const RunData*>> by_algorithm;
  std::vector<std::string> order;
  for (const RunData& run : runs) {
    auto& members = by_algorithm[run.algorithm()];
    if (members.empty()) order.push_back(run.algorithm());
    members.push_back(&run);
  }
  for (const std::string& algorithm : order) {
    const auto& members = by_algorithm[algorithm];
    std::vector<RowNumbers> rows;
    for (const RunData* run : members) {
      rows.push_back(NumbersOf(*run));
      std::string name = AlgorithmTitle(*run);
      if (runs.size() > by_algorithm.size()) {
        absl::StrAppend(&name, ", seed ", run->experiment.seed());
      }
      table.push_back(Cells(name, rows.back(), EndOf(*run)));
    }
    if (members.size() > 1) {
      table.push_back(
          Cells(absl::StrCat(AlgorithmTitle(*members[0]), ", median of ", members.size(), " seeds"),
                Medians(rows), ""));
    }
  }
  return table;
}

absl::Status WriteRunReport(const std::string& folder) {
  ESTUARY_ASSIGN_OR_RETURN(const RunData run, ReadRun(folder));
  Page page(run.experiment.name(), Subtitle(run));
  Plotter plotter;
  if (run.final_evaluation.empty()) {
    page.Paragraph("No evaluation has been reported yet.");
  } else {
    page.Heading("What the policy is worth");
    page.Table(FinalTable(run), {1});
  }
  page.Heading("Training");
  std::vector<Figure> figures = {ReturnsFigure(run)};
  for (Figure& figure : MetricFigures(run)) figures.push_back(std::move(figure));
  ESTUARY_RETURN_IF_ERROR(DrawInto(page, plotter, figures));
  ESTUARY_RETURN_IF_ERROR(AddEpisodes({run}, page, plotter));
  page.Details("The experiment, with every default", process::ToTextProto(run.experiment));
  return process::WriteFileAtomically(absl::StrCat(folder, "/", kReportFile), page.Html());
}

absl::Status WriteComparisonReport(const std::vector<std::string>& folders,
                                   const std::string& output, const std::string& note) {
  std::vector<RunData> runs;
  for (const std::string& folder : folders) {
    ESTUARY_ASSIGN_OR_RETURN(RunData run, ReadRun(folder));
    runs.push_back(std::move(run));
  }
  const std::vector<std::vector<std::string>> table = ComparisonTable(runs);
  std::vector<size_t> strong;
  for (size_t i = 1; i < table.size(); ++i) {
    if (table[i][0].rfind("H2O", 0) == 0) strong.push_back(i);
  }
  Page page(absl::StrCat("Trained in a wrong simulator, driven for real: ",
                         runs.front().experiment.task()),
            note);
  Plotter plotter;
  page.Heading("What each policy is worth");
  page.Table(table, strong);
  page.Paragraph(
      "Each final policy drove the robot once at its own pace (the first columns), and ran "
      "episodes "
      "on the real and on the simulated dynamics (mean of each). The return in simulation says "
      "little about the return in reality where the simulator is wrong.");
  ESTUARY_RETURN_IF_ERROR(AddEpisodes(runs, page, plotter));
  page.Heading("During training");
  Figure gap{.title = "The dynamics gap u that H2O measures in its simulated batches",
             .x_label = "thousand gradient steps",
             .y_label = "mean u"};
  Figure ratio{.title = "The weight that H2O gives simulated errors",
               .x_label = "thousand gradient steps",
               .y_label = "mean dynamics ratio"};
  ESTUARY_RETURN_IF_ERROR(
      DrawInto(page, plotter,
               {ReturnsFigure(runs, "sim"), ReturnsFigure(runs, "real"),
                MetricFigure(runs, kGapMetric, gap), MetricFigure(runs, kRatioMetric, ratio)}));
  for (const RunData& run : runs) {
    page.Details(absl::StrCat("The experiment ", run.experiment.name(), ", with every default"),
                 process::ToTextProto(run.experiment));
  }
  return process::WriteFileAtomically(output, page.Html());
}

}  // namespace estuary::cli
