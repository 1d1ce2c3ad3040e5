#include "worlds/mujoco/gap.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <cmath>

#include "worlds/mujoco/model.h"
#include "worlds/world.h"

namespace estuary::worlds {
namespace {

using ::testing::HasSubstr;

v1::Gap ParseGap(const std::string& text) {
  v1::Gap gap;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &gap)) << text;
  return gap;
}

ModelPtr HalfCheetah() {
  auto model = CompileModel("tasks/half_cheetah/half_cheetah.xml");
  EXPECT_TRUE(model.ok()) << model.status();
  return *std::move(model);
}

absl::Status Apply(const std::string& text) {
  const ModelPtr model = HalfCheetah();
  return ApplyGap(ParseGap(text), *model).status();
}

TEST(Gap, ScalesAnOption) {
  const ModelPtr model = HalfCheetah();
  ASSERT_TRUE(
      ApplyGap(ParseGap("edits { model_field { field: 'opt.gravity' scale: 2 } }"), *model).ok());
  EXPECT_EQ(model->opt.gravity[0], 0);
  EXPECT_DOUBLE_EQ(model->opt.gravity[2], -19.62);
}

TEST(Gap, ScalesEveryElementOfAField) {
  const ModelPtr before = HalfCheetah();
  const ModelPtr model = HalfCheetah();
  ASSERT_TRUE(
      ApplyGap(ParseGap("edits { model_field { field: 'geom_friction' scale: .3 } }"), *model)
          .ok());
  for (int i = 0; i < 3 * model->ngeom; ++i) {
    EXPECT_DOUBLE_EQ(model->geom_friction[i], .3 * before->geom_friction[i]);
  }
}

TEST(Gap, EditsNamedRowsInOrder) {
  const ModelPtr before = HalfCheetah();
  const ModelPtr model = HalfCheetah();
  ASSERT_TRUE(ApplyGap(ParseGap("edits { model_field { field: 'dof_damping' names: 'bshin' "
                                "names: 'ffoot' set: 7 } }"
                                "edits { model_field { field: 'dof_damping' names: 'ffoot' "
                                "scale: 2 } }"
                                "edits { model_field { field: 'actuator_gear' names: 'bfoot' "
                                "scale: .5 } }"),
                       *model)
                  .ok());
  for (int i = 0; i < model->nv; ++i) {
    EXPECT_EQ(model->dof_damping[i], i == 4 ? 7 : i == 8 ? 14 : before->dof_damping[i]) << i;
  }
  EXPECT_EQ(model->actuator_gear[6 * 2], 30);
  EXPECT_EQ(model->actuator_gear[6 * 1], 90);
}

TEST(Gap, RecomputesWhatDependsOnAnEdit) {
  const ModelPtr before = HalfCheetah();
  const ModelPtr model = HalfCheetah();
  ASSERT_TRUE(
      ApplyGap(ParseGap("edits { model_field { field: 'body_mass' scale: 2 } }"), *model).ok());
  EXPECT_NEAR(model->body_subtreemass[1], 2 * before->body_subtreemass[1], 1e-9);
  EXPECT_LT(model->dof_invweight0[0], before->dof_invweight0[0]);
}

TEST(Gap, NamesTheFieldsNearAWrongOne) {
  absl::Status status = Apply("edits { model_field { field: 'gravity' scale: 2 } }");
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no field 'gravity'; near it: opt.gravity"));
  status = Apply("edits { model_field { field: 'geom_fricton' scale: 2 } }");
  EXPECT_THAT(std::string(status.message()), HasSubstr("near it: geom_friction"));
}

TEST(Gap, NamesTheRowsThereAre) {
  const absl::Status status =
      Apply("edits { model_field { field: 'geom_friction' names: 'tyre' scale: 2 } }");
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no geom 'tyre'"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("there are: floor, torso, head, bthigh"));
}

TEST(Gap, RefusesWhatMakesNoSense) {
  const std::pair<std::string, std::string> cases[] = {
      {"model_field { field: 'geom_type' set: 3 }", "holds integers or flags"},
      {"model_field { field: 'opt.gravity' names: 'torso' scale: 2 }", "leave names"},
      {"model_field { field: 'opt.timestep' scale: 2 }", "control period"},
      {"model_field { field: 'opt.gravity' }", "neither scale nor set"},
      {"model_field { field: 'opt.gravity' scale: nan }", "not finite"},
      {"model_field { field: 'mesh_vert' scale: 2 }", "is empty in this model"},
      {"model_field { field: 'body_mass' scale: -1 }", "body_mass"},
      {"model_field { field: 'body_mass' set: 0 }", "body_mass"},
      {"action_noise: -1", "action_noise is -1"},
      {"velocity_action_noise: inf", "velocity_action_noise is inf"},
      {"", "says nothing"},
  };
  for (const auto& [edit, text] : cases) {
    const absl::Status status = Apply("edits { " + edit + " }");
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << edit << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(text)) << edit;
  }
}

// Observations of a step from rest at one speed, over many draws of the noise.
double DeviationOfFirstJoint(const std::string& gap, double speed) {
  auto world = MakeWorld({.task = "half_cheetah", .gap = ParseGap(gap)});
  EXPECT_TRUE(world.ok()) << world.status();
  std::vector<double> observation(17);
  std::vector<double> qvel(9);
  qvel[0] = speed;
  Random random(1);
  double sum = 0, squares = 0;
  const int draws = 200;
  for (int i = 0; i < draws; ++i) {
    EXPECT_TRUE((*world)->SetState(std::vector<double>(9), qvel, absl::MakeSpan(observation)).ok());
    (*world)->Step(std::vector<double>(6), random, absl::MakeSpan(observation));
    sum += observation[11];
    squares += observation[11] * observation[11];
  }
  return std::sqrt(std::max(0.0, squares / draws - (sum / draws) * (sum / draws)));
}

TEST(Gap, DisturbsActions) {
  EXPECT_LT(DeviationOfFirstJoint("", 1), 1e-6);
  EXPECT_GT(DeviationOfFirstJoint("edits { action_noise: 1 }", 0), .1);
}

TEST(Gap, DisturbsActionsWithSpeed) {
  const std::string gap = "edits { velocity_action_noise: .1 }";
  EXPECT_LT(DeviationOfFirstJoint(gap, 0), 1e-6);
  const double slow = DeviationOfFirstJoint(gap, .5);
  EXPECT_NEAR(DeviationOfFirstJoint(gap, -2) / slow, 4, .8);
}

TEST(Gap, LeavesRealityAlone) {
  const v1::Gap gap =
      ParseGap("edits { model_field { field: 'opt.gravity' scale: 2 } } edits { action_noise: 1 }");
  auto real = MakeWorld({.task = "half_cheetah", .dynamics = Dynamics::kReal, .gap = gap});
  auto plain = MakeWorld({.task = "half_cheetah", .dynamics = Dynamics::kSim});
  auto changed = MakeWorld({.task = "half_cheetah", .dynamics = Dynamics::kSim, .gap = gap});
  std::vector<std::vector<double>> seen;
  for (auto* world : {&real, &plain, &changed}) {
    ASSERT_TRUE(world->ok()) << world->status();
    std::vector<double> observation(17);
    Random random(9);
    (**world)->Reset(EpisodeKind::kTraining, random, absl::MakeSpan(observation));
    for (int i = 0; i < 20; ++i) {
      (**world)->Step(std::vector<double>(6, .3), random, absl::MakeSpan(observation));
    }
    seen.push_back(observation);
  }
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_NE(seen[0], seen[2]);
}

// An edit that changes nothing must not change a bit.
TEST(Gap, IsExactWhereItChangesNothing) {
  const v1::Gap gap = ParseGap("edits { model_field { field: 'opt.gravity' scale: 1 } }");
  auto edited = MakeWorld({.task = "walker2d", .gap = gap});
  auto plain = MakeWorld({.task = "walker2d"});
  std::vector<double> a(17), b(17);
  Random random_a(9), random_b(9);
  (*edited)->Reset(EpisodeKind::kTraining, random_a, absl::MakeSpan(a));
  (*plain)->Reset(EpisodeKind::kTraining, random_b, absl::MakeSpan(b));
  for (int i = 0; i < 200; ++i) {
    const std::vector<double> action(6, i % 7 * .1 - .3);
    (*edited)->Step(action, random_a, absl::MakeSpan(a));
    (*plain)->Step(action, random_b, absl::MakeSpan(b));
  }
  EXPECT_EQ(a, b);
}

TEST(Gap, EditsTheRobotsSimulatorToo) {
  const v1::Gap gap =
      ParseGap("edits { model_field { field: 'body_mass' names: 'base' scale: 2 } }");
  EXPECT_TRUE(MakeWorld({.task = "wheel_legged_stand", .gap = gap}).ok());
  const v1::Gap wrong = ParseGap("edits { model_field { field: 'body_mas' scale: 2 } }");
  EXPECT_EQ(MakeWorld({.task = "wheel_legged_stand", .gap = wrong}).status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace estuary::worlds
