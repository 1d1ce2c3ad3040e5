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

void AddRow(const std::string& label, const std::vector<NamedFigure>& figures, Page& page) {
  std::vector<std::string> curves, strips;
  for (const NamedFigure& figure : figures) {
    (figure.wide ? strips : curves).push_back(figure.svg);
  }
  page.Heading(label);
  page.Figures(curves);
  if (strips.empty()) return;
  page.Paragraph(
      "The robot from the side, drawn from the recorded pitch and position at equal distances in "
      "time; marks on the floor are 0.25 m apart.");
  page.WideFigures(strips);
}

absl::Status WriteFigure(const NamedFigure& figure, const std::string& output) {
  const std::string path = absl::StrCat(output, "/", figure.name);
  ESTUARY_RETURN_IF_ERROR(process::WriteFileAtomically(path + ".svg", figure.svg));
  if (figure.csv.empty()) return absl::OkStatus();
  return process::WriteFileAtomically(path + ".csv", figure.csv);
}

}  // namespace

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
  page.Table(SeedTable(results));
  Plotter plotter;
  std::vector<NamedFigure> figures;
  const size_t drawn_rows = plan.sweep.tables_only() ? 0 : results.cells.size();
  for (size_t row = 0; row < drawn_rows; ++row) {
    ESTUARY_ASSIGN_OR_RETURN(std::vector<NamedFigure> drawn, RowFigures(results, row, plotter));
    if (!drawn.empty()) AddRow(results.cells[row][0].row, drawn, page);
    for (NamedFigure& figure : drawn) figures.push_back(std::move(figure));
  }
  page.Details("The sweep", process::ToTextProto(plan.sweep));
  ESTUARY_RETURN_IF_ERROR(process::CreateDirectories(output));
  ESTUARY_RETURN_IF_ERROR(process::WriteFileAtomically(files.page, page.Html()));
  ESTUARY_RETURN_IF_ERROR(
      process::WriteFileAtomically(files.markdown, SweepMarkdown(plan, results, figures)));
  ESTUARY_RETURN_IF_ERROR(process::WriteFileAtomically(files.csv, SweepCsv(results)));
  for (const NamedFigure& figure : figures) {
    ESTUARY_RETURN_IF_ERROR(WriteFigure(figure, output));
  }
  return files;
}

}  // namespace estuary::cli
