#include "learner/core/nets.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "tests/learner/core/random_replay.h"

namespace estuary::learner {
namespace {

Nets MakeNets(const LearnerConfig& config) {
  return Nets(config, at::detail::createCPUGenerator(3), at::TensorOptions().dtype(at::kDouble));
}

double MaxAbs(const TensorTree& tree, const std::string& path) {
  double max = 0;
  for (double value : tree.at(path).values) max = std::max(max, std::abs(value));
  return max;
}

TensorTree ExportAll(Nets& nets) {
  TensorTree tree;
  nets.main().Export(nets.main().flat(), "", tree);
  nets.targets().Export(nets.targets().flat(), "", tree);
  nets.discriminators().Export(nets.discriminators().flat(), "", tree);
  return tree;
}

// x -> W x + b with ReLU between the layers, from the exported numbers.
std::vector<double> Evaluate(const TensorTree& tree, const std::string& net,
                             std::vector<double> x) {
  for (int layer = 0; layer < 3; ++layer) {
    const std::string path = net + "/" + std::to_string(layer);
    const HostTensor& weight = tree.at(path + "/weight");
    std::vector<double> y = tree.at(path + "/bias").values;
    for (size_t out = 0; out < y.size(); ++out) {
      for (size_t in = 0; in < x.size(); ++in) y[out] += weight.values[out * x.size() + in] * x[in];
      if (layer < 2) y[out] = std::max(0.0, y[out]);
    }
    x = y;
  }
  return x;
}

TEST(Nets, StartAsSpecified) {
  Nets nets = MakeNets(SmallConfig("h2o"));
  const TensorTree tree = ExportAll(nets);
  const double xavier_policy = 0.01 * std::sqrt(6.0 / (16 + 4));
  EXPECT_LE(MaxAbs(tree, "policy/2/weight"), xavier_policy);
  EXPECT_GT(MaxAbs(tree, "policy/2/weight"), 0.8 * xavier_policy);
  EXPECT_EQ(MaxAbs(tree, "policy/2/bias"), 0);
  EXPECT_LE(MaxAbs(tree, "q1/2/weight"), 0.01 * std::sqrt(6.0 / 17));
  EXPECT_EQ(MaxAbs(tree, "q2/2/bias"), 0);
  for (const char* path : {"policy/1/weight", "policy/1/bias", "q1/1/weight", "d_sas/2/weight"}) {
    EXPECT_LE(MaxAbs(tree, path), 1 / std::sqrt(16.0)) << path;
    EXPECT_GT(MaxAbs(tree, path), 0.6 / std::sqrt(16.0)) << path;
  }
  EXPECT_EQ(tree.at("policy/log_std_multiplier").values[0], 1);
  EXPECT_EQ(tree.at("policy/log_std_offset").values[0], -1);
  EXPECT_EQ(tree.at("log_alpha").values[0], 0);
  EXPECT_EQ(tree.at("q1_target/1/weight"), tree.at("q1/1/weight"));
  EXPECT_EQ(tree.at("q2_target/1/weight"), tree.at("q2/1/weight"));
  EXPECT_NE(tree.at("q1/1/weight"), tree.at("q2/1/weight"));
}

TEST(Nets, TwinsComputeWhatTheirNumbersSay) {
  Nets nets = MakeNets(SmallConfig("h2o"));
  const TensorTree tree = ExportAll(nets);
  const std::vector<double> x = {0.3, -1.2, 0.7, 0.1, -0.4};
  const at::Tensor q = nets.Critics(at::tensor(x, at::kDouble).view({1, 5}));
  EXPECT_NEAR(q[0][0].item<double>(), Evaluate(tree, "q1", x)[0], 1e-12);
  EXPECT_NEAR(q[1][0].item<double>(), Evaluate(tree, "q2", x)[0], 1e-12);
  const at::Tensor z = nets.DiscriminatorSa(at::tensor(x, at::kDouble).view({1, 5}));
  for (int i = 0; i < 2; ++i) {
    EXPECT_NEAR(z[0][i].item<double>(), 2 * std::tanh(Evaluate(tree, "d_sa", x)[i]), 1e-12);
  }
}

TEST(Nets, FrozenCriticsPassGradientsToTheirInputAlone) {
  Nets nets = MakeNets(SmallConfig("h2o"));
  const at::Tensor x = at::ones({2, 5}, at::kDouble);
  EXPECT_FALSE(nets.FrozenCritics(x).requires_grad());
  EXPECT_FALSE(nets.TargetCritics(x).requires_grad());
  EXPECT_TRUE(nets.Critics(x).requires_grad());
  EXPECT_TRUE(nets.FrozenCritics(x.clone().requires_grad_(true)).requires_grad());
}

TEST(Nets, FixedLogStdHasNoGradient) {
  LearnerConfig config = SmallConfig("h2o");
  config.networks.fixed_log_std = true;
  config.networks.log_std_offset = -2;
  Nets nets = MakeNets(config);
  const GaussianHead head = nets.Policy(at::ones({2, 3}, at::kDouble));
  TensorTree tree;
  nets.main().Export(nets.main().Differentiate((head.mean + head.log_std).sum()), "", tree);
  EXPECT_EQ(tree.at("policy/log_std_multiplier").values[0], 0);
  EXPECT_EQ(tree.at("policy/log_std_offset").values[0], 0);
  EXPECT_GT(MaxAbs(tree, "policy/2/bias"), 0);
  EXPECT_EQ(MaxAbs(tree, "q1/0/weight"), 0);
}

TEST(ParameterGroup, ImportsWhatItExported) {
  Nets from = MakeNets(SmallConfig("h2o"));
  Nets to = Nets(SmallConfig("h2o"), at::detail::createCPUGenerator(4),
                 at::TensorOptions().dtype(at::kDouble));
  const TensorTree tree = ExportAll(from);
  EXPECT_FALSE(at::equal(from.main().flat(), to.main().flat()));
  ASSERT_TRUE(to.main().Import(tree, "", to.main().flat()).ok());
  EXPECT_TRUE(at::equal(from.main().flat(), to.main().flat()));
}

TEST(ParameterGroup, RefusesATreeThatLacksAPieceAndStaysAsItWas) {
  Nets nets = MakeNets(SmallConfig("h2o"));
  TensorTree tree = ExportAll(nets);
  for (double& value : tree.at("policy/0/weight").values) value = 5;
  tree.at("q2/1/bias").shape = {3};
  const at::Tensor before = nets.main().flat().clone();
  const absl::Status status = nets.main().Import(tree, "", nets.main().flat());
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("q2/1/bias"), absl::string_view::npos) << status;
  EXPECT_TRUE(at::equal(nets.main().flat(), before));
}

}  // namespace
}  // namespace estuary::learner
