// One gradient step as a file: reads parameters, a batch and every random number of one step from
// HDF5, runs it through the engine, and writes the losses, gradients and parameters that came out,
// so that any other implementation can be held against ours. The layout is update_trace.md's.
//
// The step runs in float64 unless the file's attribute `precision` says "float32": what then
// differs from another implementation differs in the mathematics, not in the order of a sum. Output
// is float32.
//
// Attributes of / beyond the documented: ratio_min, ratio_max, gap_min, gap_max,
// reward_shaping_clip, exploit_coefficient, value_expectile, engine, "eager" (the default),
// "native" (which takes float32) or "cuda_graph", and device, "cpu" or "cuda" (the default of
// cuda_graph alone, whose arithmetic "cpu" runs without a GPU). Sizes of nets, N and CQL's number
// of actions are those of the arrays.
//
// Paths beyond the documented:
// - h2o_plus: V's are /params/v/{0,1,2}/{weight,bias}, /loss/v, /gradient/v/... and
//   /params_after/v/...
// - h2o_reverse_kl: /params/dynamics/{0,1,2}/{weight,bias}, the model of the dynamics from (s, a)
// to
//   [mean, raw log variance] of s' - s, which the step reads and does not change; its log variance
//   is bounded as losses.h says. /noise/next_state is the model's noise, and there is no
//   /state_std.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace estuary::learner {

// Errors name the file and the path in it. Replaces an output file that exists.
absl::Status RunUpdateTrace(const std::string& input_path, const std::string& output_path);

}  // namespace estuary::learner
