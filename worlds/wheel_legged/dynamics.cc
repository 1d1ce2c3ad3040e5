#include "worlds/wheel_legged/dynamics.h"

namespace estuary::worlds {

absl::StatusOr<ModelPtr> MakeWheelLeggedModel(const WheelLeggedDynamics& dynamics) {
  return CompileModel("wheel_legged/wheel_legged.xml", [&dynamics](mjSpec& spec) {
    const auto geom = [&spec](const char* name) {
      return mjs_asGeom(mjs_findElement(&spec, mjOBJ_GEOM, name));
    };
    mjsGeom* const trunk = geom("trunk");
    trunk->mass = dynamics.trunk_mass;
    trunk->pos[0] = dynamics.trunk_x;
    trunk->pos[2] = dynamics.trunk_z;
    for (const char* name : {"floor", "left_tyre", "right_tyre"}) {
      geom(name)->friction[0] = dynamics.friction;
    }
    for (const char* name : {"left_wheel", "right_wheel"}) {
      mjsJoint* const joint = mjs_asJoint(mjs_findElement(&spec, mjOBJ_JOINT, name));
      joint->armature = dynamics.wheel_armature;
      joint->damping[0] = dynamics.wheel_damping;
      joint->frictionloss = dynamics.wheel_frictionloss;
    }
    return absl::OkStatus();
  });
}

}  // namespace estuary::worlds
