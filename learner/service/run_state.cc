#include "learner/service/run_state.h"

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace estuary::learner {
namespace {

// Reads an object's values one after the other, keeping the first error.
class Fields {
 public:
  explicit Fields(const nlohmann::json& object) : object_(object) {}

  template <typename T>
  void Read(const char* key, T& value) {
    if (object_.contains(key)) return ReadIfThere(key, value);
    status_.Update(absl::DataLossError(absl::StrCat("it has no '", key, "'")));
  }
  // What earlier builds did not write stays as it is.
  template <typename T>
  void ReadIfThere(const char* key, T& value) {
    const auto it = object_.find(key);
    if (it == object_.end()) return;
    try {
      it->get_to(value);
    } catch (const nlohmann::json::exception&) {
      status_.Update(absl::DataLossError(absl::StrCat("its '", key, "' is ", it->dump())));
    }
  }

  const absl::Status& status() const { return status_; }

 private:
  const nlohmann::json& object_;
  absl::Status status_;
};

}  // namespace

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ShardPosition, shard_id, start, cursor, rows)

std::string RunState::ToJson() const {
  return nlohmann::json{{"gradient_steps", gradient_steps},
                        {"environment_steps", environment_steps},
                        {"policy_version", policy_version},
                        {"seconds", seconds},
                        {"starved_seconds", starved_seconds},
                        {"real_rows_added", real_rows_added},
                        {"evaluated", evaluated},
                        {"start_metrics", start_metrics},
                        {"real", real},
                        {"sim", sim}}
             .dump(1) +
         "\n";
}

absl::StatusOr<RunState> RunState::FromJson(absl::string_view text) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return absl::DataLossError("it is no JSON object");
  RunState state;
  Fields fields(json);
  fields.Read("gradient_steps", state.gradient_steps);
  fields.Read("environment_steps", state.environment_steps);
  fields.Read("policy_version", state.policy_version);
  fields.Read("seconds", state.seconds);
  fields.Read("starved_seconds", state.starved_seconds);
  fields.Read("real", state.real);
  fields.Read("sim", state.sim);
  // D did not grow while the builds trained that did not write this.
  fields.ReadIfThere("real_rows_added", state.real_rows_added);
  // An evaluator that is still there subscribes again.
  fields.ReadIfThere("evaluated", state.evaluated);
  fields.ReadIfThere("start_metrics", state.start_metrics);
  if (!fields.status().ok()) return fields.status();
  return state;
}

}  // namespace estuary::learner
