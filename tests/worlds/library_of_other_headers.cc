// A task library as an older build would have made it.
#include <mujoco/mujoco.h>

#include "worlds/task_library.h"

extern "C" const estuary::worlds::TaskLibrary estuary_task_library = {"other", mjVERSION_HEADER,
                                                                      nullptr, nullptr, 0};
