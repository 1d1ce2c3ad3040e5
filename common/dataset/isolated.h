// A dataset read by another process.
//
// Libhdf5 believes what a file says of itself: one that is damaged, or made to harm, makes it read
// and write where it must not. So nothing of it runs here: a child opens the file and answers with
// plain numbers, and where it dies or does not answer, that is an error as any other. The child can
// do nothing but read: it holds no other file, and little memory.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/dataset/layout.h"

namespace estuary::dataset {

// Layouts are told apart in the child. `patience` bounds each answer.
absl::StatusOr<std::unique_ptr<Layout>> OpenIsolated(const std::string& path,
                                                     absl::Duration patience);

}  // namespace estuary::dataset
