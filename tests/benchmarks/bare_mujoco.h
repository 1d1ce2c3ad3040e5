// The limit that the simulating side is measured against: MuJoCo's own step in a loop over one
// mjData, with random controls and gymnasium's resets, and nothing else. No observation, reward,
// policy or message.
#pragma once

#include <mujoco/mujoco.h>

#include <memory>
#include <string>
#include <utility>

#include "worlds/mujoco/model.h"
#include "worlds/random.h"

namespace estuary::benchmarks {

class BareMujoco {
 public:
  // "half_cheetah" or "walker2d"; null for others.
  static std::unique_ptr<BareMujoco> Make(const std::string& task, uint64_t seed) {
    const bool walker = task == "walker2d";
    if (!walker && task != "half_cheetah") return nullptr;
    auto model = worlds::CompileModel("tasks/" + task + "/" + task + ".xml");
    if (!model.ok()) return nullptr;
    return std::unique_ptr<BareMujoco>(new BareMujoco(*std::move(model), walker, seed));
  }

  // So many control periods (of 5 or 4 MuJoCo steps).
  void Run(int periods) {
    for (int period = 0; period < periods; ++period) {
      for (int i = 0; i < model_->nu; ++i) data_->ctrl[i] = random_.Uniform(-1, 1);
      for (int i = 0; i < frame_skip_; ++i) mj_step(model_.get(), data_.get());
      if (++steps_ == 1000 || (falls_ && Fallen())) Reset();
    }
  }

 private:
  BareMujoco(worlds::ModelPtr model, bool walker, uint64_t seed)
      : model_(std::move(model)),
        data_(mj_makeData(model_.get())),
        falls_(walker),
        frame_skip_(walker ? 4 : 5),
        noise_(walker ? .005 : .1),
        random_(seed) {
    Reset();
  }

  bool Fallen() const {
    const double z = data_->qpos[1];
    const double angle = data_->qpos[2];
    return z <= .8 || z >= 2 || angle <= -1 || angle >= 1;
  }

  void Reset() {
    steps_ = 0;
    mj_resetData(model_.get(), data_.get());
    for (int i = 0; i < model_->nq; ++i) data_->qpos[i] += random_.Uniform(-noise_, noise_);
    for (int i = 0; i < model_->nv; ++i) data_->qvel[i] = random_.Uniform(-noise_, noise_);
    mj_forward(model_.get(), data_.get());
  }

  const worlds::ModelPtr model_;
  const worlds::DataPtr data_;
  const bool falls_;
  const int frame_skip_;
  const double noise_;
  worlds::Random random_;
  int steps_ = 0;
};

}  // namespace estuary::benchmarks
