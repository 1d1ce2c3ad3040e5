#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "worlds/mujoco/model.h"
#include "worlds/mujoco/physics.h"
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

absl::StatusOr<Physics> MakePhysicsWith(const std::string& gap) {
  const absl::StatusOr<TaskSpec> spec = FindTask("half_cheetah");
  EXPECT_TRUE(spec.ok()) << spec.status();
  auto all = MakePhysics(*spec, HalfCheetah(), {.task = "half_cheetah", .gap = ParseGap(gap)}, 1);
  if (!all.ok()) return all.status();
  return all->front();
}

absl::Status Apply(const std::string& gap) { return MakePhysicsWith(gap).status(); }

// The model that the gap leaves.
class EditedModel {
 public:
  explicit EditedModel(const std::string& gap) : physics_(MakePhysicsWith(gap)) {
    EXPECT_TRUE(physics_.ok()) << physics_.status();
  }
  const mjModel* operator->() const { return &physics_->simulation->model(); }

 private:
  const absl::StatusOr<Physics> physics_;
};

TEST(Gap, ScalesAnOption) {
  const EditedModel model("edits { model_field { field: 'opt.gravity' scale: 2 } }");
  EXPECT_EQ(model->opt.gravity[0], 0);
  EXPECT_DOUBLE_EQ(model->opt.gravity[2], -19.62);
}

TEST(Gap, ScalesEveryElementOfAField) {
  const ModelPtr before = HalfCheetah();
  const EditedModel model("edits { model_field { field: 'geom_friction' scale: .3 } }");
  for (int i = 0; i < 3 * model->ngeom; ++i) {
    EXPECT_DOUBLE_EQ(model->geom_friction[i], .3 * before->geom_friction[i]);
  }
}

TEST(Gap, EditsNamedRowsInOrder) {
  const ModelPtr before = HalfCheetah();
  const EditedModel model(
      "edits { model_field { field: 'dof_damping' names: 'bshin' names: 'ffoot' set: 7 } }"
      "edits { model_field { field: 'dof_damping' names: 'ffoot' scale: 2 } }"
      "edits { model_field { field: 'actuator_gear' names: 'bfoot' scale: .5 } }");
  for (int i = 0; i < model->nv; ++i) {
    EXPECT_EQ(model->dof_damping[i], i == 4 ? 7 : i == 8 ? 14 : before->dof_damping[i]) << i;
  }
  EXPECT_EQ(model->actuator_gear[6 * 2], 30);
  EXPECT_EQ(model->actuator_gear[6 * 1], 90);
}

TEST(Gap, EditsChosenElements) {
  const ModelPtr before = HalfCheetah();
  const EditedModel model(
      "edits { model_field { field: 'opt.gravity' elements: 2 set: -3 } }"
      "edits { model_field { field: 'opt.gravity' elements: [0, 2] add: 1 } }"
      "edits { model_field { field: 'geom_friction' names: 'floor' elements: 0 scale: .5 } }");
  EXPECT_THAT(std::vector<double>(model->opt.gravity, model->opt.gravity + 3),
              ::testing::ElementsAre(1, 0, -2));
  EXPECT_EQ(model->geom_friction[0], .5 * before->geom_friction[0]);
  EXPECT_EQ(model->geom_friction[1], before->geom_friction[1]);
  EXPECT_EQ(model->geom_friction[3], before->geom_friction[3]);
}

TEST(Gap, RecomputesWhatDependsOnAnEdit) {
  const ModelPtr before = HalfCheetah();
  const EditedModel model("edits { model_field { field: 'body_mass' scale: 2 } }");
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

TEST(Gap, NamesTheEditThatDoesNotFit) {
  EXPECT_THAT(std::string(Apply("edits { action_noise: 1 } edits { action_noise: -1 }").message()),
              HasSubstr("gap, edit 2 of 2: action_noise is -1"));
}

TEST(Gap, NamesWhatIsObserved) {
  const absl::Status status = Apply("edits { observation_noise { names: 'pitch' std: 1 } }");
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("observes no 'pitch'; it observes: z (m), angle (rad)"));
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
      {"model_field { field: 'opt.gravity' }", "neither scale nor set nor add"},
      {"model_field { field: 'opt.gravity' elements: 3 scale: 2 }", "elements 0 to 2"},
      {"model_field { field: 'opt.gravity' scale: nan }", "finite"},
      {"model_field { field: 'opt.gravity' add: inf }", "'opt.gravity' is inf"},
      {"model_field { field: 'mesh_vert' scale: 2 }", "is empty in this model"},
      {"model_field { field: 'body_mass' scale: -1 }", "body_mass"},
      {"model_field { field: 'body_mass' set: 0 }", "body_mass"},
      {"model_field { field: 'dof_damping' names: 'bshin' set: -1 }",
       "a number of dof_damping -1, which is 4.5"},
      {"model_field { field: 'geom_friction' add: -1 }", "cannot be negative"},
      {"model_field { field: 'body_mass' set: 1 } up_to: nan", "up_to is nan"},
      {"model_field { field: 'body_mass' set: 0 } up_to: 1", "body_mass"},
      {"model_field { field: 'opt.gravity' scale: -1 } up_to: 1", "not negative"},
      {"action_noise: 1 up_to: .5", "up_to is 0.5, below the edit's number 1"},
      {"action_noise: 1 draw: ACTOR", "say up_to"},
      {"action_noise: -1", "action_noise is -1"},
      {"action_noise: nan", "action_noise is nan"},
      {"action_delay: 1001", "action_delay is 1001; a delay is a whole number"},
      {"action_delay: 1 up_to: 1.5", "action_delay's up_to is 1.5"},
      {"action_dead_zone: 1", "action_dead_zone is 1"},
      {"action_dead_zone: -.1", "action_dead_zone is -0.1"},
      {"observation_noise { std: -1 }", "observation_noise.std is -1"},
      {"velocity_action_noise: inf", "velocity_action_noise is inf"},
      {"", "says nothing"},
  };
  for (const auto& [edit, text] : cases) {
    const absl::Status status = Apply("edits { " + edit + " }");
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << edit << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(text)) << edit;
  }
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
