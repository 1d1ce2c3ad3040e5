// What a learner says of its run, as text for people.
#pragma once

#include <string>

#include "estuary/v1/learner.pb.h"

namespace estuary::cli {

std::string FormatLearner(const v1::LearnerStatus& status);

}  // namespace estuary::cli
