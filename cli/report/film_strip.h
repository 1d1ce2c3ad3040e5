// The wheel-legged robot drawn from the side at moments of an episode, from what was recorded of it
// alone: pitch and position (or speed, which adds up to it). So it shows a robot of flesh and steel
// as well as the emulated one, needs no renderer and no graphics driver, and stays small and sharp:
// SVG. The body is worlds/wheel_legged/wheel_legged.xml's; its wheels roll without slipping.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/track/track.h"
#include "worlds/world.h"

namespace estuary::cli {

// Where the robot was, without the gaps of the recording.
struct RobotPath {
  // Seconds, metres, radians; pitch leans forward where positive.
  std::vector<double> time, x, pitch;
  // The task observes x: then the robot must stay within 0.5 m, else x is counted from the start.
  bool bounded = false;
};

// Nothing where the task is not the robot's or the track is empty.
std::optional<RobotPath> PathOf(const Track& track, const worlds::TaskSpec& task);

struct FilmStripOptions {
  // "H2O, seed 3: whole".
  std::string caption;
  // Of the body, "#0b7285".
  std::string color = "#0b7285";
  int frames = 9;
};

// Frames at equal distances in time, from the first moment to the last, as SVG text that can stand
// inside a page or be a file. Below each its moment, and where the task does not bound it its
// position.
std::string FilmStrip(const RobotPath& path, const FilmStripOptions& options);

}  // namespace estuary::cli
