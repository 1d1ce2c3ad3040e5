#include "actors/identity.h"

#include <gtest/gtest.h>

namespace estuary::actor {
namespace {

TEST(Identity, NumbersActors) {
  EXPECT_EQ(Numbered(3).name, "actor-3");
  EXPECT_EQ(Numbered(3).index, 3);
  EXPECT_FALSE(Numbered(3).replica);
}

TEST(Identity, TellsReplicasApartByTheirHosts) {
  const absl::StatusOr<Identity> one = ReplicaOn("actor-7c9d-xk2lp");
  const absl::StatusOr<Identity> other = ReplicaOn("actor-7c9d-m4q8z");
  ASSERT_TRUE(one.ok() && other.ok());
  EXPECT_EQ(one->name, "actor-7c9d-xk2lp");
  EXPECT_NE(one->index, other->index);
  EXPECT_GE(one->index, 0);
  EXPECT_GE(other->index, 0);
  EXPECT_EQ(ReplicaOn("actor-7c9d-xk2lp")->index, one->index);
}

TEST(Identity, RefusesAHostWithoutAName) {
  EXPECT_EQ(ReplicaOn("").status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace estuary::actor
