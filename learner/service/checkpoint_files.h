// Files of a run's checkpoint, by name.
#pragma once

namespace estuary::learner {

// Engine::Save's bytes, RunState's JSON, the newest v1::PolicyUpdate, and one of each version whose
// evaluation is awaited, "pending-<version>.pb".
inline constexpr char kEngineFile[] = "engine.bin";
inline constexpr char kStateFile[] = "state.json";
inline constexpr char kPolicyFile[] = "policy_update.pb";
inline constexpr char kPendingPrefix[] = "pending-";

}  // namespace estuary::learner
