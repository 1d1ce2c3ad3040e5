// Text-format protobuf files with errors that name file, line and column.
#pragma once

#include <google/protobuf/message.h>

#include <string>

#include "absl/status/status.h"

namespace estuary::process {

// `name` stands for the text in errors. An unknown field or enum value is an error.
absl::Status ParseTextProto(const std::string& text, const std::string& name,
                            google::protobuf::Message* message);
absl::Status ReadTextProto(const std::string& path, google::protobuf::Message* message);
std::string ToTextProto(const google::protobuf::Message& message);

}  // namespace estuary::process
