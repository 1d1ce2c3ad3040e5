// absl::Status across every boundary, and the one place that converts it to and from gRPC's.
#pragma once

#include <grpcpp/support/status.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define ESTUARY_RETURN_IF_ERROR(expr)                  \
  do {                                                 \
    absl::Status estuary_status_ = (expr);             \
    if (!estuary_status_.ok()) return estuary_status_; \
  } while (false)

#define ESTUARY_CONCAT_INNER_(a, b) a##b
#define ESTUARY_CONCAT_(a, b) ESTUARY_CONCAT_INNER_(a, b)

// ESTUARY_ASSIGN_OR_RETURN(auto table, FindTable(name));
#define ESTUARY_ASSIGN_OR_RETURN(lhs, expr) \
  ESTUARY_ASSIGN_OR_RETURN_IMPL_(ESTUARY_CONCAT_(estuary_or_, __LINE__), lhs, expr)
#define ESTUARY_ASSIGN_OR_RETURN_IMPL_(result, lhs, expr) \
  auto result = (expr);                                   \
  if (!result.ok()) return std::move(result).status();    \
  lhs = std::move(result).value()

namespace estuary::process {

absl::Status FromGrpc(const grpc::Status& status);
grpc::Status ToGrpc(const absl::Status& status);

// The same status with "context: " before its message.
absl::Status Annotate(const absl::Status& status, const std::string& context);

// From errno, naming what was tried: "cannot open 'x': No such file or directory".
absl::Status ErrnoStatus(int error, const std::string& what);

}  // namespace estuary::process
