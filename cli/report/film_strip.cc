#include "cli/report/film_strip.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/report/page.h"
#include "worlds/wheel_legged/reward.h"

namespace estuary::cli {
namespace {

using worlds::wheel_legged::kAreaHalfWidth;

constexpr double kWheelRadius = 0.1;
// Of a frame, in metres: what is seen to either side (of the area, or of the robot), above the
// floor and below it.
constexpr double kHalfArea = 0.7;
constexpr double kHalfRobot = 0.45;
constexpr double kHeight = 0.6;
constexpr double kBelow = 0.04;
// In the strip's units.
constexpr double kFrameWidth = 132;
constexpr double kCaption = 24;
constexpr double kMoments = 22;
constexpr double kDegrees = 57.29577951308232;

// The index of the observation whose name begins so, or -1.
int Find(const worlds::TaskSpec& task, const char* name) {
  for (size_t i = 0; i < task.observation_names.size(); ++i) {
    if (absl::StartsWith(task.observation_names[i], name)) return static_cast<int>(i);
  }
  return -1;
}

// The robot with its axle at (x, wheel radius), in metres, y up.
std::string Robot(double x, double pitch, const std::string& color) {
  const double rolled = -x / kWheelRadius * kDegrees;
  std::string svg = absl::StrFormat("<g transform=\"translate(%.4f,%.2f)\">", x, kWheelRadius);
  absl::StrAppendFormat(&svg, "<g transform=\"rotate(%.2f)\">", -pitch * kDegrees);
  absl::StrAppendFormat(
      &svg,
      "<polyline points=\"0,.28 -.1,.14 0,0\" fill=\"none\" stroke=\"#495057\" "
      "stroke-width=\".04\" stroke-linejoin=\"round\" stroke-linecap=\"round\"/>"
      "<rect x=\"-.1275\" y=\".27\" width=\".28\" height=\".14\" rx=\".02\" fill=\"%s\"/>"
      "<circle cx=\".115\" cy=\".365\" r=\".016\" fill=\"#fff\"/></g>",
      color);
  absl::StrAppendFormat(
      &svg,
      "<g transform=\"rotate(%.1f)\"><circle r=\".09\" fill=\"#f8f9fa\" stroke=\"#212529\" "
      "stroke-width=\".02\"/><path d=\"M-.08,0H.08M0,-.08V.08\" stroke=\"#868e96\" "
      "stroke-width=\".012\"/><path d=\"M0,0V.08\" stroke=\"#212529\" stroke-width=\".02\"/></g>"
      "</g>",
      rolled);
  return svg;
}

// The floor from `left` to `right`, with a mark each 0.25 m, and the area's borders.
std::string Floor(double left, double right, bool bounded) {
  std::string marks;
  for (double mark = std::ceil(left / 0.25) * 0.25; mark <= right; mark += 0.25) {
    absl::StrAppendFormat(&marks, "M%.2f,0v-.03", mark);
  }
  std::string svg = absl::StrFormat(
      "<path d=\"M%.4f,0H%.4f\" stroke=\"#343a40\" stroke-width=\".01\"/>"
      "<path d=\"%s\" stroke=\"#868e96\" stroke-width=\".008\"/>",
      left, right, marks);
  if (!bounded) return svg;
  for (const double border : {-kAreaHalfWidth, kAreaHalfWidth}) {
    absl::StrAppendFormat(&svg,
                          "<path d=\"M%.2f,0V.55\" stroke=\"#c92a2a\" stroke-width=\".006\" "
                          "stroke-dasharray=\".03 .025\"/>",
                          border);
  }
  return svg;
}

std::string Text(double x, double y, const char* anchor, const char* style,
                 const std::string& text) {
  return absl::StrFormat(
      "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" font-family=\"Helvetica, Arial, sans-serif\" "
      "%s>%s</text>",
      x, y, anchor, style, EscapeHtml(text));
}

}  // namespace

std::optional<RobotPath> PathOf(const Track& track, const worlds::TaskSpec& task) {
  const int pitch = Find(task, "pitch (");
  const int x = Find(task, "x (m)");
  const int speed = Find(task, "speed (");
  if (pitch < 0 || speed < 0 || track.observation_dim != task.observation_dim) return std::nullopt;
  RobotPath path;
  path.bounded = x >= 0;
  for (size_t i = 0; i < track.size(); ++i) {
    if (track.IsGap(i)) continue;
    const double time = track.time[i];
    double place = 0;
    if (x >= 0) {
      place = track.Observation(i, x);
    } else if (!path.time.empty()) {
      place = path.x.back() + track.Observation(i, speed) * (time - path.time.back());
    }
    path.time.push_back(time);
    path.x.push_back(place);
    path.pitch.push_back(track.Observation(i, pitch));
  }
  if (path.time.empty()) return std::nullopt;
  return path;
}

std::string FilmStrip(const RobotPath& path, const FilmStripOptions& options) {
  const int frames = std::max(options.frames, 2);
  const double half = path.bounded ? kHalfArea : kHalfRobot;
  const double frame_height = kFrameWidth * (kHeight + kBelow) / (2 * half);
  const double width = frames * kFrameWidth;
  const double height = kCaption + frame_height + kMoments;
  std::string svg = absl::StrFormat(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.1f\" width=\"%.0f\" "
      "height=\"%.0f\" role=\"img\"><rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>",
      width, height, width, height);
  svg += Text(4, 16, "start", "font-size=\"14\" fill=\"#212529\"", options.caption);
  for (int frame = 0; frame < frames; ++frame) {
    const double moment = path.time.back() * frame / (frames - 1);
    const auto after = std::lower_bound(path.time.begin(), path.time.end(), moment - 1e-9);
    const size_t i = std::min<size_t>(after - path.time.begin(), path.time.size() - 1);
    const double middle = path.bounded ? 0 : path.x[i];
    absl::StrAppendFormat(
        &svg,
        "<svg x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" viewBox=\"%.4f %.2f %.2f %.2f\">"
        "<g transform=\"scale(1,-1)\">",
        frame * kFrameWidth, kCaption, kFrameWidth, frame_height, middle - half, -kHeight, 2 * half,
        kHeight + kBelow);
    absl::StrAppend(&svg, Floor(middle - half, middle + half, path.bounded),
                    Robot(path.x[i], path.pitch[i], options.color), "</g></svg>");
    if (frame > 0) {
      absl::StrAppendFormat(&svg, "<path d=\"M%.1f,%.1fv%.1f\" stroke=\"#e9ecef\"/>",
                            frame * kFrameWidth, kCaption, frame_height);
    }
    // Not "-0.00 m".
    const double x = std::abs(path.x[i]) < 0.005 ? 0 : path.x[i];
    const std::string place = path.bounded ? "" : absl::StrFormat(", %.2f m", x);
    svg +=
        Text((frame + 0.5) * kFrameWidth, height - 7, "middle", "font-size=\"12\" fill=\"#495057\"",
             absl::StrFormat("%.1f s%s", path.time[i], place));
  }
  svg += "</svg>\n";
  return svg;
}

}  // namespace estuary::cli
