#include "cli/sweep/sweep_report.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "cli/progress/format.h"
#include "cli/report/curves.h"
#include "cli/report/figure.h"
#include "cli/report/page.h"
#include "common/process/files.h"
#include "common/process/status.h"
#include "common/process/textproto.h"

namespace estuary::cli {
namespace {

std::string Round(double value) { return absl::StrFormat("%.0f", value); }

std::string MeanAndStd(double mean, double std) {
  return absl::StrCat(Round(mean), " ± ", Round(std));
}

std::string Ours(const CellResult& cell) {
  if (cell.seeds.empty()) return "–";
  const Spread spread = SpreadOf(RealReturns(cell));
  return absl::StrCat(MeanAndStd(spread.mean, spread.std),
                      cell.seeds.size() < cell.seeds_planned
                          ? absl::StrCat(" (", cell.seeds.size(), " of ", cell.seeds_planned, ")")
                          : "");
}

std::string MedianText(const CellResult& cell) {
  return cell.seeds.empty() ? "–" : Round(SpreadOf(RealReturns(cell)).median);
}

std::string InSimulation(const CellResult& cell) {
  return cell.seeds.empty() ? "–" : Round(SpreadOf(SimReturns(cell)).median);
}

std::string Published(const CellResult& cell) {
  return cell.published ? MeanAndStd(cell.published->mean(), cell.published->std()) : "";
}

std::string SeedsAndSteps(const SweepResults& results) {
  std::set<uint64_t> steps;
  std::set<size_t> seeds;
  for (const auto& row : results.cells) {
    for (const CellResult& cell : row) {
      if (!cell.seeds.empty()) seeds.insert(cell.seeds.size());
      for (const SeedScore& seed : cell.seeds) steps.insert(seed.gradient_steps);
    }
  }
  std::vector<std::string> step_names;
  for (const uint64_t count : steps) step_names.push_back(WithCommas(count));
  return absl::StrCat(absl::StrJoin(seeds, " or "), *seeds.rbegin() == 1 ? " seed" : " seeds",
                      " a cell, ", absl::StrJoin(step_names, " or "), " gradient steps, ",
                      results.runs.size(), " of ", results.runs_planned, " trainings done");
}

std::vector<std::string> SeedList(const CellResult& cell) {
  std::vector<SeedScore> seeds = cell.seeds;
  std::sort(seeds.begin(), seeds.end(),
            [](const SeedScore& a, const SeedScore& b) { return a.real > b.real; });
  std::vector<std::string> texts;
  for (const SeedScore& seed : seeds) {
    texts.push_back(absl::StrCat(Round(seed.real), " (seed ", seed.seed, ")"));
  }
  return texts;
}

absl::Status DrawRow(const SweepResults& results, size_t row, Page& page, Plotter& plotter) {
  std::vector<std::string> svgs;
  for (const char* dynamics : {"real", "sim"}) {
    std::vector<Figure> figures;
    Figure figure{.title = absl::StrCat(results.cells[row][0].row, ": return in ",
                                        std::string(dynamics) == "real" ? "reality" : "simulation"),
                  .x_label = "thousand gradient steps",
                  .y_label = "median over seeds"};
    for (size_t c = 0; c < results.cells[row].size(); ++c) {
      const CellResult& cell = results.cells[row][c];
      std::vector<RunData> runs;
      for (const SeedScore& seed : cell.seeds) runs.push_back(results.runs[seed.run]);
      Series series = MedianReturns(runs, dynamics);
      if (series.points.empty()) continue;
      series.title = cell.column;
      series.color = SeriesColor(c);
      figure.series.push_back(std::move(series));
    }
    if (figure.series.empty()) continue;
    ESTUARY_ASSIGN_OR_RETURN(std::string svg, plotter.Draw(figure));
    svgs.push_back(std::move(svg));
  }
  page.Figures(svgs);
  return absl::OkStatus();
}

}  // namespace

std::vector<std::vector<std::string>> SweepTable(const SweepPlan& plan,
                                                 const SweepResults& results) {
  std::vector<std::vector<std::string>> table(1);
  table[0] = {"return in reality", ""};
  for (const v1::SweepAxis& column : plan.sweep.columns()) table[0].push_back(column.label());
  for (const auto& row : results.cells) {
    const auto add = [&](const std::string& name, const std::string& what, auto cell_text) {
      std::vector<std::string> line = {name, what};
      for (const CellResult& cell : row) line.push_back(cell_text(cell));
      table.push_back(std::move(line));
    };
    add(row[0].row, "mean ± std", Ours);
    add("", "median", MedianText);
    add("", "median in its simulator", InSimulation);
    if (std::any_of(row.begin(), row.end(), [](const CellResult& c) { return c.published; })) {
      add("", "the paper's", Published);
    }
  }
  return table;
}

std::string SweepMarkdown(const SweepPlan& plan, const SweepResults& results) {
  const auto table = SweepTable(plan, results);
  std::string text = absl::StrCat("# ", plan.sweep.title(), "\n\n", SeedsAndSteps(results), ".\n");
  if (!plan.sweep.note().empty()) absl::StrAppend(&text, "\n", plan.sweep.note(), "\n");
  absl::StrAppend(&text, "\n");
  for (size_t i = 0; i < table.size(); ++i) {
    absl::StrAppend(&text, "| ", absl::StrJoin(table[i], " | "), " |\n");
    if (i > 0) continue;
    text += "|";
    for (size_t j = 0; j < table[0].size(); ++j) text += j < 2 ? " --- |" : " ---: |";
    text += "\n";
  }
  text += "\nEvery seed's return in reality, best first:\n\n";
  for (const auto& row : results.cells) {
    for (const CellResult& cell : row) {
      if (cell.seeds.empty()) continue;
      absl::StrAppend(&text, "- ", cell.row, ", ", cell.column, ": ",
                      absl::StrJoin(SeedList(cell), ", "), "\n");
    }
  }
  return text;
}

std::string SweepCsv(const SweepResults& results) {
  const auto quoted = [](const std::string& text) {
    return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
  };
  std::string text = "row,column,seed,gradient_steps,return_real,return_sim,seconds_real,folder\n";
  for (const auto& row : results.cells) {
    for (const CellResult& cell : row) {
      for (const SeedScore& seed : cell.seeds) {
        absl::StrAppend(&text, quoted(cell.row), ",", quoted(cell.column), ",", seed.seed, ",",
                        seed.gradient_steps, ",",
                        absl::StrFormat("%.6g,%.6g,%.6g", seed.real, seed.sim, seed.real_seconds),
                        ",", quoted(results.runs[seed.run].experiment.name()), "\n");
      }
    }
  }
  return text;
}

absl::StatusOr<SweepReportFiles> WriteSweepReport(const SweepPlan& plan,
                                                  const SweepResults& results,
                                                  const std::string& output) {
  const SweepReportFiles files{.page = output + "/report.html",
                               .markdown = output + "/table.md",
                               .csv = output + "/scores.csv"};
  Page page(plan.sweep.title(), SeedsAndSteps(results));
  if (!plan.sweep.note().empty()) page.Paragraph(plan.sweep.note());
  page.Heading("What each final policy is worth");
  page.Table(SweepTable(plan, results));
  page.Heading("Every seed");
  std::vector<std::vector<std::string>> seeds = {
      {"row", "column", "returns in reality, best first"}};
  for (const auto& row : results.cells) {
    for (const CellResult& cell : row) {
      seeds.push_back({cell.row, cell.column, absl::StrJoin(SeedList(cell), ", ")});
    }
  }
  page.Table(seeds);
  page.Heading("During training");
  Plotter plotter;
  for (size_t row = 0; row < results.cells.size(); ++row) {
    ESTUARY_RETURN_IF_ERROR(DrawRow(results, row, page, plotter));
  }
  page.Details("The sweep", process::ToTextProto(plan.sweep));
  ESTUARY_RETURN_IF_ERROR(process::CreateDirectories(output));
  ESTUARY_RETURN_IF_ERROR(process::WriteFileAtomically(files.page, page.Html()));
  ESTUARY_RETURN_IF_ERROR(
      process::WriteFileAtomically(files.markdown, SweepMarkdown(plan, results)));
  ESTUARY_RETURN_IF_ERROR(process::WriteFileAtomically(files.csv, SweepCsv(results)));
  return files;
}

}  // namespace estuary::cli
