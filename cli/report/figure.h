// A figure drawn by gnuplot, as SVG text that can stand inside a page.
#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace estuary::cli {

struct Series {
  std::string title;
  // "#0b7285".
  std::string color = "";
  std::vector<std::pair<double, double>> points = {};
  // (x, low, high): shaded behind the curves, in this one's colour.
  std::vector<std::array<double, 3>> band = {};
  bool dashed = false;
  // A marker at every point, for few points.
  bool markers = false;
  double width = 2;
};

struct Figure {
  std::string title;
  std::string x_label = "";
  std::string y_label = "";
  std::vector<Series> series = {};
  bool log_y = false;
  // Empty ranges are gnuplot's choice.
  std::string x_range = "";
  std::string y_range = "";
  // Horizontal lines, with a label each.
  std::vector<std::pair<double, std::string>> levels = {};
  int width = 560;
  int height = 320;
};

// The script that draws it into the file `output`.
std::string GnuplotScript(const Figure& figure, const std::string& output);

// Figures for one page: identifiers are made unique by the order of calls. NOT_FOUND where gnuplot
// is not installed, naming the package.
class Plotter {
 public:
  absl::StatusOr<std::string> Draw(const Figure& figure);

 private:
  int drawn_ = 0;
};

}  // namespace estuary::cli
