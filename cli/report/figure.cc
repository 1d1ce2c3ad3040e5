#include "cli/report/figure.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "cli/cluster/child.h"
#include "cli/cluster/scratch_folder.h"
#include "common/process/files.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

constexpr absl::Duration kDrawing = absl::Seconds(60);

std::string Quoted(const std::string& text) {
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"\"", "'"}}), "\"");
}

absl::StatusOr<std::string> FindGnuplot() {
  const char* path = std::getenv("PATH");
  for (const absl::string_view folder : absl::StrSplit(path == nullptr ? "" : path, ':')) {
    std::string candidate = absl::StrCat(folder, "/gnuplot");
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return absl::NotFoundError("gnuplot is not installed; apt-get install gnuplot-nox");
}

bool HasPoint(const Series& series) {
  return std::any_of(series.points.begin(), series.points.end(), [](const auto& point) {
    return std::isfinite(point.first) && std::isfinite(point.second);
  });
}

// Adds the bands' data to the script; returns what plots them.
std::string Bands(const Figure& figure, std::string& script) {
  std::string plot;
  for (size_t i = 0; i < figure.series.size(); ++i) {
    const Series& series = figure.series[i];
    if (series.band.empty()) continue;
    absl::StrAppend(&script, "$b", i, " << EOD\n");
    for (const auto& [x, low, high] : series.band) {
      absl::StrAppendFormat(&script, "%.9g %.9g %.9g\n", x, low, high);
    }
    script += "EOD\n";
    absl::StrAppendFormat(&plot,
                          "%s$b%d using 1:2:3 with filledcurves fillcolor rgb '%s' fillstyle "
                          "transparent solid 0.15 noborder notitle",
                          plot.empty() ? "plot " : ", \\\n     ", i, series.color);
  }
  return plot;
}

// Every figure of a page has identifiers of its own.
std::string MakeUnique(const std::string& svg, int number) {
  const std::string prefix = absl::StrCat("f", number, "_");
  return absl::StrReplaceAll(svg, {{"id=\"", absl::StrCat("id=\"", prefix)},
                                   {"id='", absl::StrCat("id='", prefix)},
                                   {"href='#", absl::StrCat("href='#", prefix)},
                                   {"href=\"#", absl::StrCat("href=\"#", prefix)},
                                   {"url(#", absl::StrCat("url(#", prefix)}});
}

}  // namespace

std::string GnuplotScript(const Figure& figure, const std::string& output) {
  std::string script = absl::StrFormat(
      "set terminal svg size %d,%d dynamic noenhanced font 'Helvetica,13' background 'white'\n"
      "set output %s\n"
      "set title %s font ',14'\n"
      "set xlabel %s offset 0,0.4\nset ylabel %s\n"
      "set border 3 linecolor '#868e96'\nset tics nomirror textcolor '#343a40'\n"
      "set grid linecolor '#e9ecef' linetype 1 linewidth 1\n"
      "set key outside bottom center horizontal Left reverse samplen 2 spacing 1.1 height 0.6 "
      "textcolor '#343a40'\n"
      "set decimalsign '.'\n",
      figure.width, figure.height, Quoted(output), Quoted(figure.title), Quoted(figure.x_label),
      Quoted(figure.y_label));
  if (figure.log_y) script += "set logscale y\nset format y '%g'\n";
  if (!figure.x_range.empty()) absl::StrAppend(&script, "set xrange ", figure.x_range, "\n");
  if (!figure.y_range.empty()) absl::StrAppend(&script, "set yrange ", figure.y_range, "\n");
  std::string plot = Bands(figure, script);
  for (size_t i = 0; i < figure.series.size(); ++i) {
    const Series& series = figure.series[i];
    // gnuplot refuses a curve without a point.
    if (!HasPoint(series)) continue;
    absl::StrAppend(&script, "$d", i, " << EOD\n");
    for (const auto& [x, y] : series.points) {
      // An empty line breaks the curve where there is no number.
      if (std::isfinite(x) && std::isfinite(y)) {
        absl::StrAppendFormat(&script, "%.9g %.9g\n", x, y);
      } else {
        script += "\n";
      }
    }
    script += "EOD\n";
    absl::StrAppendFormat(
        &plot, "%s$d%d using 1:2 with %s linewidth %g linecolor rgb '%s'%s%s title %s",
        plot.empty() ? "plot " : ", \\\n     ", i, series.markers ? "linespoints" : "lines",
        series.width, series.color, series.dashed ? " dashtype (8,6)" : "",
        series.markers ? " pointtype 7 pointsize 0.4" : "", Quoted(series.title));
  }
  for (const auto& [level, label] : figure.levels) {
    absl::StrAppendFormat(
        &plot, "%s%.9g with lines linewidth 1 dashtype (3,5) linecolor '#495057' title %s",
        plot.empty() ? "plot " : ", \\\n     ", level, Quoted(label));
  }
  if (plot.empty()) plot = "set xrange [0:1]\nset yrange [0:1]\nplot NaN title 'nothing yet'";
  return absl::StrCat(script, plot, "\n");
}

absl::StatusOr<std::string> Plotter::Draw(const Figure& figure) {
  ESTUARY_ASSIGN_OR_RETURN(const std::string gnuplot, FindGnuplot());
  ESTUARY_ASSIGN_OR_RETURN(const auto scratch, ScratchFolder::Create());
  const std::string script = scratch->File("figure.gp");
  const std::string output = scratch->File("figure.svg");
  const std::string log = scratch->File("gnuplot.log");
  ESTUARY_RETURN_IF_ERROR(process::WriteFileAtomically(script, GnuplotScript(figure, output)));
  ESTUARY_ASSIGN_OR_RETURN(const auto child, Child::Start({gnuplot, script}, log));
  const std::optional<ChildExit> exit = child->Wait(kDrawing);
  if (!exit || !exit->ok()) {
    return absl::InternalError(absl::StrCat("gnuplot could not draw '", figure.title, "' (",
                                            exit ? exit->ToString() : "it took too long",
                                            "): ", LogTail(log, 3)));
  }
  ESTUARY_ASSIGN_OR_RETURN(const std::string svg, process::ReadFile(output));
  const size_t start = svg.find("<svg");
  if (start == std::string::npos) {
    return absl::InternalError(absl::StrCat("gnuplot drew no SVG for '", figure.title, "'"));
  }
  return MakeUnique(svg.substr(start), drawn_++);
}

}  // namespace estuary::cli
