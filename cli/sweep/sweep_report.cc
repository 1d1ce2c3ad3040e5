#include "cli/sweep/sweep_report.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/report/figure.h"
#include "cli/report/page.h"
#include "cli/sweep/sweep_figures.h"
#include "cli/sweep/sweep_table.h"
#include "common/process/files.h"
#include "common/process/status.h"
#include "common/process/textproto.h"

namespace estuary::cli {
namespace {

// Of all rows, in order.
absl::StatusOr<std::vector<NamedFigure>> DrawFigures(const SweepResults& results) {
  Plotter plotter;
  std::vector<NamedFigure> figures;
  for (size_t row = 0; row < results.cells.size(); ++row) {
    ESTUARY_ASSIGN_OR_RETURN(std::vector<NamedFigure> drawn, RowFigures(results, row, plotter));
    for (NamedFigure& figure : drawn) figures.push_back(std::move(figure));
  }
  return figures;
}

void AddFigures(const std::vector<NamedFigure>& figures, bool wide, Page& page) {
  std::vector<std::string> svgs;
  for (const NamedFigure& figure : figures) {
    if (figure.wide == wide) svgs.push_back(figure.svg);
  }
  if (svgs.empty()) return;
  if (!wide) {
    page.Heading("Figures");
    return page.Figures(svgs);
  }
  page.Heading("The robot from the side");
  page.Paragraph(
      "Drawn from the recorded pitch and position at equal distances in time; marks on the floor "
      "are 0.25 m apart.");
  page.WideFigures(svgs);
}

}  // namespace

absl::StatusOr<SweepReportFiles> WriteSweepReport(const SweepPlan& plan,
                                                  const SweepResults& results,
                                                  const std::string& output) {
  const SweepReportFiles files{.page = output + "/report.html",
                               .markdown = output + "/table.md",
                               .csv = output + "/scores.csv"};
  ESTUARY_ASSIGN_OR_RETURN(const std::vector<NamedFigure> figures, DrawFigures(results));
  Page page(plan.sweep.title(), SeedsAndSteps(results));
  if (!plan.sweep.note().empty()) page.Paragraph(plan.sweep.note());
  page.Heading("What each final policy is worth");
  page.Table(SweepTable(plan, results));
  page.Heading("Every seed");
  page.Table(SeedTable(results));
  AddFigures(figures, /*wide=*/false, page);
  AddFigures(figures, /*wide=*/true, page);
  page.Details("The sweep", process::ToTextProto(plan.sweep));
  ESTUARY_RETURN_IF_ERROR(process::CreateDirectories(output));
  ESTUARY_RETURN_IF_ERROR(process::WriteFileAtomically(files.page, page.Html()));
  ESTUARY_RETURN_IF_ERROR(
      process::WriteFileAtomically(files.markdown, SweepMarkdown(plan, results, figures)));
  ESTUARY_RETURN_IF_ERROR(process::WriteFileAtomically(files.csv, SweepCsv(results)));
  for (const NamedFigure& figure : figures) {
    const std::string path = absl::StrCat(output, "/", figure.name);
    ESTUARY_RETURN_IF_ERROR(process::WriteFileAtomically(path + ".svg", figure.svg));
    if (figure.csv.empty()) continue;
    ESTUARY_RETURN_IF_ERROR(process::WriteFileAtomically(path + ".csv", figure.csv));
  }
  return files;
}

}  // namespace estuary::cli
