#include "cli/sweep/sweep_table.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "cli/progress/format.h"
#include "cli/report/page.h"
#include "cli/report/spread.h"

namespace estuary::cli {
namespace {

// Columns side by side.
constexpr int kWidest = 8;

std::string Round(double value) { return absl::StrFormat("%.0f", value); }

std::string MeanAndStd(double mean, double std) {
  return absl::StrCat(Round(mean), " ± ", Round(std));
}

std::string Ours(const CellResult& cell) {
  if (cell.seeds.empty()) return "–";
  const Spread spread = SpreadOf(RealReturns(cell));
  // One seed has no spread, which is not a spread of 0.
  return absl::StrCat(
      cell.seeds.size() == 1 ? Round(spread.mean) : MeanAndStd(spread.mean, spread.std),
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

using Table = std::vector<std::vector<std::string>>;

// What a table says of a cell, under which name.
struct Said {
  const char* name;
  std::string (*of)(const CellResult& cell);
};

constexpr Said kMeasured[] = {
    {"mean ± std", Ours}, {"median", MedianText}, {"median in its simulator", InSimulation}};
constexpr Said kPublished = {"the paper's", Published};

bool HasPublished(const std::vector<CellResult>& row) {
  return std::any_of(row.begin(), row.end(),
                     [](const CellResult& c) { return c.published.has_value(); });
}

Table WideTable(const SweepPlan& plan, const SweepResults& results) {
  Table table = {{"return in reality", ""}};
  for (const v1::SweepAxis& column : plan.sweep.columns()) table[0].push_back(column.label());
  for (const auto& row : results.cells) {
    const auto add = [&](const std::string& name, const Said& said) {
      std::vector<std::string> line = {name, said.name};
      for (const CellResult& cell : row) line.push_back(said.of(cell));
      table.push_back(std::move(line));
    };
    for (const Said& said : kMeasured) add(&said == kMeasured ? row[0].row : "", said);
    if (HasPublished(row)) add("", kPublished);
  }
  return table;
}

// A line for every cell, for more columns than a page is wide.
Table LongTable(const SweepResults& results) {
  std::vector<Said> columns(std::begin(kMeasured), std::end(kMeasured));
  if (std::any_of(results.cells.begin(), results.cells.end(), HasPublished)) {
    columns.push_back(kPublished);
  }
  Table table = {{"return in reality", ""}};
  for (const Said& said : columns) table[0].push_back(said.name);
  for (const auto& row : results.cells) {
    for (const CellResult& cell : row) {
      std::vector<std::string> line = {&cell == &row[0] ? cell.row : "", cell.column};
      for (const Said& said : columns) line.push_back(said.of(cell));
      table.push_back(std::move(line));
    }
  }
  return table;
}

std::string SeedList(const CellResult& cell) {
  std::vector<SeedScore> seeds = cell.seeds;
  std::sort(seeds.begin(), seeds.end(),
            [](const SeedScore& a, const SeedScore& b) { return a.real > b.real; });
  std::vector<std::string> texts;
  for (const SeedScore& seed : seeds) {
    texts.push_back(absl::StrCat(Round(seed.real), " (seed ", seed.seed, ")"));
  }
  return absl::StrJoin(texts, ", ");
}

}  // namespace

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

std::vector<std::vector<std::string>> SweepTable(const SweepPlan& plan,
                                                 const SweepResults& results) {
  return plan.sweep.columns_size() > kWidest ? LongTable(results) : WideTable(plan, results);
}

std::vector<std::vector<std::string>> SeedTable(const SweepResults& results) {
  std::vector<std::vector<std::string>> table = {
      {"row", "column", "returns in reality, best first"}};
  for (const auto& row : results.cells) {
    for (const CellResult& cell : row) {
      if (!cell.seeds.empty()) table.push_back({cell.row, cell.column, SeedList(cell)});
    }
  }
  return table;
}

std::string SweepMarkdown(const SweepPlan& plan, const SweepResults& results,
                          const std::vector<NamedFigure>& figures) {
  const auto table = SweepTable(plan, results);
  std::string text = absl::StrCat("# ", plan.sweep.title(), "\n\n", SeedsAndSteps(results), ".\n");
  if (!plan.sweep.note().empty()) absl::StrAppend(&text, "\n", plan.sweep.note(), "\n");
  absl::StrAppend(&text, "\n", MarkdownTable(table, /*left=*/2));
  text += "\nEvery seed's return in reality, best first:\n\n";
  const auto seeds = SeedTable(results);
  for (size_t i = 1; i < seeds.size(); ++i) {
    absl::StrAppend(&text, "- ", seeds[i][0], ", ", seeds[i][1], ": ", seeds[i][2], "\n");
  }
  for (const NamedFigure& figure : figures) {
    absl::StrAppend(&text, "\n![", figure.title, "](", figure.name, ".svg)\n");
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

}  // namespace estuary::cli
