// Every command of `estuary`, in the order that --help lists them. A new one is a file here, which
// defines FooCommand(), and a line in one of the lists: ESTUARY_WIRE_COMMANDS for those that need
// nothing but the wire and come with the package for a robot's computer (cli/CMakeLists.txt names
// their files), ESTUARY_CLUSTER_COMMANDS for the others.
#pragma once

#include <vector>

#include "cli/command/command.h"

// clang-format off
#define ESTUARY_CLUSTER_COMMANDS(X) \
  X(Demo)                           \
  X(Train)                          \
  X(Sweep)                          \
  X(ClusterPrepare)                 \
  X(ClusterFill)                    \
  X(Evaluate)                       \
  X(Drive)                          \
  X(Report)                         \
  X(PolicyShow)                     \
  X(PolicyExport)                   \
  X(DatasetGenerate)                \
  X(DatasetSnapshot)                \
  X(DatasetDescribe)                \
  X(DatasetImport)                  \
  X(DatasetExport)                  \
  X(TaskList)                       \
  X(TaskReplay)                     \
  X(RobotRecord)                    \
  X(RobotFault)

#define ESTUARY_WIRE_COMMANDS(X) \
  X(Status)                      \
  X(RobotStatus)                 \
  X(RobotArm)                    \
  X(RobotDisarm)                 \
  X(RobotEstop)                  \
  X(RobotMode)                   \
  X(RobotBegin)                  \
  X(CertsInit)                   \
  X(CertsIssue)                  \
  X(CertsLab)                    \
  X(CertsShow)

#ifdef ESTUARY_CLI_WIRE_ONLY
#define ESTUARY_COMMANDS(X) ESTUARY_WIRE_COMMANDS(X)
#else
#define ESTUARY_COMMANDS(X) ESTUARY_CLUSTER_COMMANDS(X) ESTUARY_WIRE_COMMANDS(X)
#endif
// clang-format on

namespace estuary::cli {

#define ESTUARY_DECLARE_COMMAND(name) Command name##Command();
ESTUARY_COMMANDS(ESTUARY_DECLARE_COMMAND)
#undef ESTUARY_DECLARE_COMMAND

std::vector<Command> AllCommands();

}  // namespace estuary::cli
