#include "cli/training/settings.h"

#include <vector>

#include "common/process/status.h"
#include "common/process/textproto.h"

namespace estuary::cli {
namespace {

// Makes room in `into` for what `from` replaces as a whole.
void ClearReplaced(const google::protobuf::Message& from, google::protobuf::Message* into) {
  const google::protobuf::Reflection* reflection = from.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection->ListFields(from, &fields);
  for (const auto* field : fields) {
    const bool whole = field->is_repeated() || field->name() == "gap" ||
                       field->name() == "dataset" || field->name() == "algorithm";
    if (whole) {
      reflection->ClearField(into, field);
    } else if (field->message_type() != nullptr && reflection->HasField(*into, field)) {
      ClearReplaced(reflection->GetMessage(from, field), reflection->MutableMessage(into, field));
    }
  }
}

}  // namespace

void ApplySettings(const v1::Experiment& settings, v1::Experiment* experiment) {
  ClearReplaced(settings, experiment);
  experiment->MergeFrom(settings);
}

absl::Status ApplySettingsText(const std::string& text, v1::Experiment* experiment) {
  v1::Experiment settings;
  ESTUARY_RETURN_IF_ERROR(process::ParseTextProto(text, "the settings", &settings));
  ApplySettings(settings, experiment);
  return absl::OkStatus();
}

}  // namespace estuary::cli
