// Who is at the other end of a call, and the gate that every call over TLS passes.
#pragma once

#include <grpcpp/security/auth_context.h>
#include <grpcpp/security/auth_metadata_processor.h>
#include <grpcpp/server_context.h>

#include <memory>

#include "common/process/roles.h"

namespace estuary::process {

// Of a call that is being served. For what a method's name does not decide: to which table.
Caller CallerOf(const grpc::ServerContextBase& context);
Caller CallerOf(const grpc::AuthContext& context);

// Counts a refusal (estuary_process_refused_calls_total) and logs it, at most one line in ten
// seconds. `what` is a method's name on the wire or a few fixed words: it becomes a label.
void CountRefusal(const Caller& caller, const std::string& what, const absl::Status& status);

// CheckAppend, counted. The table's name stays out of the metric: a client chooses it.
absl::Status AuthorizeAppend(const Caller& caller, const std::string& table);

// Asks CheckCall before a call reaches its service. Keeps `tls` alive with the server.
std::shared_ptr<grpc::AuthMetadataProcessor> MakeGate(std::shared_ptr<class Tls> tls);

}  // namespace estuary::process
