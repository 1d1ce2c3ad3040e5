// Include once in a fuzzer: what is refused is not said. Most inputs are, thousands a second.
#pragma once

#include <google/protobuf/stubs/logging.h>

#include "common/process/log.h"

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  spdlog::set_level(spdlog::level::off);
  google::protobuf::SetLogHandler(nullptr);
  return 0;
}
