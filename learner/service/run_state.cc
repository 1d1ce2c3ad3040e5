#include "learner/service/run_state.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace estuary::learner {
namespace {

nlohmann::json PositionsToJson(const std::vector<ShardPosition>& positions) {
  nlohmann::json list = nlohmann::json::array();
  for (const ShardPosition& p : positions) {
    list.push_back(
        {{"shard_id", p.shard_id}, {"start", p.start}, {"cursor", p.cursor}, {"rows", p.rows}});
  }
  return list;
}

std::vector<ShardPosition> PositionsFromJson(const nlohmann::json& list) {
  std::vector<ShardPosition> positions;
  for (const nlohmann::json& p : list) {
    positions.push_back({p.at("shard_id").get<std::string>(), p.at("start").get<uint64_t>(),
                         p.at("cursor").get<uint64_t>(), p.at("rows").get<uint64_t>()});
  }
  return positions;
}

}  // namespace

std::string RunState::ToJson() const {
  return nlohmann::json{{"gradient_steps", gradient_steps},
                        {"environment_steps", environment_steps},
                        {"policy_version", policy_version},
                        {"seconds", seconds},
                        {"starved_seconds", starved_seconds},
                        {"real_rows_added", real_rows_added},
                        {"evaluated", evaluated},
                        {"real", PositionsToJson(real)},
                        {"sim", PositionsToJson(sim)}}
             .dump(1) +
         "\n";
}

absl::StatusOr<RunState> RunState::FromJson(absl::string_view text) {
  try {
    const nlohmann::json json = nlohmann::json::parse(text);
    RunState state;
    state.gradient_steps = json.at("gradient_steps").get<uint64_t>();
    state.environment_steps = json.at("environment_steps").get<uint64_t>();
    state.policy_version = json.at("policy_version").get<uint64_t>();
    state.seconds = json.at("seconds").get<double>();
    state.starved_seconds = json.at("starved_seconds").get<double>();
    state.real_rows_added = json.at("real_rows_added").get<uint64_t>();
    state.evaluated = json.at("evaluated").get<bool>();
    state.real = PositionsFromJson(json.at("real"));
    state.sim = PositionsFromJson(json.at("sim"));
    return state;
  } catch (const nlohmann::json::exception& e) {
    return absl::DataLossError(absl::StrCat("the run's state is damaged: ", e.what()));
  }
}

}  // namespace estuary::learner
