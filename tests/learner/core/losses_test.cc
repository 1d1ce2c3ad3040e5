#include "learner/core/losses.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

namespace estuary::learner {
namespace {

at::Tensor Random(std::vector<int64_t> shape, double scale = 1) {
  static at::Generator generator = at::detail::createCPUGenerator(7);
  return at::empty(shape, at::kDouble).normal_(0, scale, generator);
}

at::Tensor Doubles(std::vector<double> values) { return at::tensor(values, at::kDouble); }

// d f / d x by autograd against central differences, at every element.
void ExpectGradient(const at::Tensor& x, const std::function<at::Tensor(const at::Tensor&)>& f) {
  const at::Tensor leaf = x.clone().requires_grad_(true);
  const at::Tensor gradient = torch::autograd::grad({f(leaf).sum()}, {leaf})[0];
  const double step = 1e-5;
  for (int64_t i = 0; i < x.numel(); ++i) {
    const auto moved = [&](double by) {
      at::Tensor y = x.clone();
      y.view({-1})[i].add_(by);
      return f(y).sum().item<double>();
    };
    const double numeric = (moved(step) - moved(-step)) / (2 * step);
    const double exact = gradient.reshape({-1})[i].item<double>();
    EXPECT_NEAR(exact, numeric, 1e-7 * (1 + std::abs(numeric))) << "element " << i;
  }
}

GaussianHead HeadFrom(const at::Tensor& x) {
  const auto parts = x.split(x.size(1) / 2, 1);
  return {parts[0], parts[1]};
}

TEST(Policy, LogDensityIsTheGaussiansLessTheJacobian) {
  const at::Tensor head = Random({5, 6}, 0.5), noise = Random({5, 3});
  const PolicySample sample = SamplePolicy(HeadFrom(head), noise);
  for (int row = 0; row < 5; ++row) {
    double want = 0;
    for (int i = 0; i < 3; ++i) {
      const double mean = head[row][i].item<double>(), log_std = head[row][3 + i].item<double>();
      const double sigma = std::exp(log_std), u = mean + sigma * noise[row][i].item<double>();
      const double z = (u - mean) / sigma, a = std::tanh(u);
      EXPECT_NEAR(sample.action[row][i].item<double>(), a, 1e-12);
      want += -0.5 * z * z - log_std - 0.5 * std::log(2 * M_PI) - std::log(1 - a * a);
    }
    EXPECT_NEAR(sample.log_prob[row].item<double>(), want, 1e-9);
  }
}

TEST(Policy, LogDensityIsFiniteWhereTanhIsSaturated) {
  const at::Tensor mean = at::tensor({40.0f, -40.0f}).view({2, 1});
  const at::Tensor log_std = at::full({2, 1}, -5.0f);
  const PolicySample sample = SamplePolicy({mean, log_std}, at::zeros({2, 1}));
  // log N = 5 - log(2 pi) / 2 and log(1 - tanh^2 u) = 2 (log 2 - |u|).
  const double want = 5 - 0.5 * std::log(2 * M_PI) - 2 * (std::log(2) - 40);
  EXPECT_NEAR(sample.log_prob[0].item<double>(), want, 1e-4);
  EXPECT_NEAR(sample.log_prob[1].item<double>(), want, 1e-4);
}

TEST(Policy, SeveralSamplesOfAStateAreSamplesOfItsHead) {
  const at::Tensor head = Random({4, 4}), noise = Random({4, 3, 2});
  const PolicySample many = SamplePolicy(HeadFrom(head), noise);
  ASSERT_EQ(many.action.sizes(), noise.sizes());
  for (int k = 0; k < 3; ++k) {
    const PolicySample one = SamplePolicy(HeadFrom(head), noise.select(1, k));
    EXPECT_TRUE(at::allclose(many.action.select(1, k), one.action));
    EXPECT_TRUE(at::allclose(many.log_prob.select(1, k), one.log_prob));
  }
}

TEST(Policy, HeadScalesShiftsAndClampsTheLogStd) {
  const at::Tensor output = at::tensor({0.5, 3.0, -30.0, 1.0}, at::kDouble).view({2, 2});
  const GaussianHead head = SplitHead(output, at::scalar_tensor(2, at::kDouble),
                                      at::scalar_tensor(-1, at::kDouble), -20, 2);
  EXPECT_DOUBLE_EQ(head.mean[0][0].item<double>(), 0.5);
  EXPECT_DOUBLE_EQ(head.log_std[0][0].item<double>(), 2);
  EXPECT_DOUBLE_EQ(head.log_std[1][0].item<double>(), 1);
}

TEST(DynamicsRatio, LogitDifferenceEqualsTheLongForm) {
  const at::Tensor z_sa = BoundedLogits(Random({50, 2})), z_sas = BoundedLogits(Random({50, 2}));
  const at::Tensor c_sa = at::softmax(z_sa, 1), c_sas = at::softmax(z_sas + z_sa, 1);
  const at::Tensor long_form = at::log(c_sas.select(1, kRealColumn) * c_sa.select(1, kSimColumn) /
                                       (c_sas.select(1, kSimColumn) * c_sa.select(1, kRealColumn)));
  EXPECT_TRUE(at::allclose(DynamicsLogRatio(z_sas), long_form, 1e-12, 1e-12));
  EXPECT_LE(DynamicsLogRatio(z_sas).abs().max().item<double>(), 4);
}

TEST(DynamicsRatio, IsClamped) {
  const at::Tensor w = ClampedRatio(Doubles({-20, -1, 0, 3}), 1e-5, 1);
  EXPECT_DOUBLE_EQ(w[0].item<double>(), 1e-5);
  EXPECT_DOUBLE_EQ(w[1].item<double>(), std::exp(-1.0));
  EXPECT_DOUBLE_EQ(w[2].item<double>(), 1);
  EXPECT_DOUBLE_EQ(w[3].item<double>(), 1);
}

TEST(Discriminator, LossIsTheTwoMeanCrossEntropies) {
  const at::Tensor z = Random({6, 2});
  const at::Tensor labels = at::tensor({0, 0, 0, 1, 1, 1}, at::kLong);
  const at::Tensor c = at::softmax(z, 1);
  const double want = -at::log(c.narrow(0, 0, 3).select(1, 0)).mean().item<double>() -
                      at::log(c.narrow(0, 3, 3).select(1, 1)).mean().item<double>();
  EXPECT_NEAR(DiscriminatorLoss(z, labels).item<double>(), want, 1e-12);
}

TEST(DynamicsGap, FloorLeavesLogOmegaFiniteInFloat32) {
  // A row whose samples all look real has a mean log ratio above 0, so u falls to its floor, a
  // number that only float32 without flush-to-zero holds.
  const at::Tensor log_ratio = at::tensor({1.0f, 1.0f, -2.0f, -4.0f}).view({2, 2});
  const at::Tensor u = DynamicsGap(log_ratio, 1e-45, 10);
  EXPECT_GT(u[0].item<float>(), 0);
  EXPECT_FLOAT_EQ(u[1].item<float>(), 3);
  const at::Tensor log_omega = LogGapWeights(u);
  EXPECT_TRUE(at::isfinite(log_omega).all().item<bool>());
  EXPECT_NEAR(log_omega[0].item<double>(), std::log(1.4e-45) - std::log(3.0), 0.1);
  EXPECT_NEAR(GapWeights(u).sum().item<double>(), 1, 1e-6);
}

TEST(DynamicsGap, LogOmegaIsFiniteWhereEveryRowIsAtTheFloor) {
  const at::Tensor u = DynamicsGap(at::ones({64, 10}), 1e-45, 10);
  EXPECT_TRUE(at::isfinite(LogGapWeights(u)).all().item<bool>());
  EXPECT_NEAR(LogGapWeights(u)[0].item<double>(), -std::log(64.0), 1e-4);
}

TEST(BellmanTarget, StopsAtATerminalAndGoesOnAtATruncation) {
  // A truncated transition is recorded with terminal 0.
  const at::Tensor y = BellmanTarget(Doubles({1, 1}), Doubles({1, 0}), 0.9, Doubles({10, 10}));
  EXPECT_DOUBLE_EQ(y[0].item<double>(), 1);
  EXPECT_DOUBLE_EQ(y[1].item<double>(), 10);
}

TEST(TemporalDifference, WeightsTheSquaresAndDividesByTheRows) {
  const at::Tensor q = at::tensor({1.0, 2.0, 3.0, 4.0}, at::kDouble).view({2, 2});
  const at::Tensor y = Doubles({0, 1});
  const at::Tensor td = TemporalDifference(q, y);
  EXPECT_DOUBLE_EQ(td[0].item<double>(), (1 + 1) / 2.0);
  EXPECT_DOUBLE_EQ(td[1].item<double>(), (9 + 9) / 2.0);
  const at::Tensor weighted = WeightedTemporalDifference(q, y, Doubles({0.5, 0.25}));
  EXPECT_DOUBLE_EQ(weighted[0].item<double>(), (0.5 + 0.25) / 2);
  EXPECT_DOUBLE_EQ(weighted[1].item<double>(), (4.5 + 2.25) / 2);
}

TEST(Regularizer, LogSumExpIsClampedAtAThousand) {
  const at::Tensor q_real = Doubles({0, 0, 0, 0}).view({2, 2});
  const at::Tensor q_sim = Doubles({1, 2, 5000, 5000}).view({2, 2});
  const at::Tensor omega = Doubles({0.25, 0.75});
  const at::Tensor r = LogSumExpRegularizer(q_sim, q_real, omega.log());
  EXPECT_NEAR(r[0].item<double>(), std::log(0.25 * std::exp(1) + 0.75 * std::exp(2)), 1e-12);
  EXPECT_DOUBLE_EQ(r[1].item<double>(), 1000);
  const at::Tensor mean = MeanRegularizer(q_sim, q_real, omega);
  EXPECT_DOUBLE_EQ(mean[0].item<double>(), 1.75);
  EXPECT_DOUBLE_EQ(mean[1].item<double>(), 1000);
}

TEST(Regularizer, CqlCorrectsForTheSamplingDensity) {
  const at::Tensor q = Random({2, 3, 6}), density = Random({3, 6}), data = Random({2, 3});
  const at::Tensor got = CqlRegularizer(q, density, data);
  for (int critic = 0; critic < 2; ++critic) {
    double want = 0;
    for (int row = 0; row < 3; ++row) {
      double sum = 0;
      for (int k = 0; k < 6; ++k) {
        sum +=
            std::exp(q[critic][row][k].item<double>()) / std::exp(density[row][k].item<double>());
      }
      want += (std::log(sum) - data[critic][row].item<double>()) / 3;
    }
    EXPECT_NEAR(got[critic].item<double>(), want, 1e-12);
  }
  EXPECT_DOUBLE_EQ(LogUniformDensity(3), std::log(0.125));
}

TEST(DynamicsModel, LossIsTheGaussiansLogLikelihood) {
  const at::Tensor mean = Random({3, 2}), log_variance = Random({3, 2}), x = Random({3, 2});
  double want = 0;
  for (int row = 0; row < 3; ++row) {
    for (int i = 0; i < 2; ++i) {
      const double variance = std::exp(log_variance[row][i].item<double>());
      const double error = x[row][i].item<double>() - mean[row][i].item<double>();
      const double density =
          std::exp(-0.5 * error * error / variance) / std::sqrt(2 * M_PI * variance);
      want -= (std::log(density) + 0.5 * std::log(2 * M_PI)) / 3;
    }
  }
  EXPECT_NEAR(DynamicsModelLoss({mean, log_variance}, x).item<double>(), want, 1e-12);
}

TEST(DynamicsModel, LogVarianceIsBoundedSoftly) {
  const at::Tensor output = Doubles({0, 0, 0, -200, -3, 200}).view({1, 6});
  const DynamicsPrediction prediction = SplitPrediction(output);
  EXPECT_NEAR(prediction.log_variance[0][0].item<double>(), -10, 1e-4);
  EXPECT_NEAR(prediction.log_variance[0][1].item<double>(), -3, 0.05);
  EXPECT_NEAR(prediction.log_variance[0][2].item<double>(), 0.5, 1e-4);
}

TEST(DynamicsModel, SamplesHaveItsMeanAndDeviation) {
  const DynamicsPrediction prediction = {Doubles({1, -2}).view({1, 2}),
                                         Doubles({0, std::log(4.0)}).view({1, 2})};
  const at::Tensor noise = Doubles({0, 0, 1, -1}).view({1, 2, 2});
  const at::Tensor samples = SampledDifference(prediction, noise);
  EXPECT_TRUE(at::allclose(samples, Doubles({1, -2, 2, -4}).view({1, 2, 2})));
}

TEST(DynamicsGap, TheOtherWayRoundLooksWhereRealityGoes) {
  const at::Tensor log_ratio = Doubles({1, 2, -1, -2}).view({2, 2});
  const at::Tensor u = ReverseDynamicsGap(log_ratio, 1e-45, 10);
  EXPECT_DOUBLE_EQ(u[0].item<double>(), 1.5);
  EXPECT_DOUBLE_EQ(u[1].item<double>(), 1e-45);
}

TEST(Value, LossWeighsWhatIsAboveAndBelow) {
  const at::Tensor v = Doubles({1, 1}), target = Doubles({3, -1});
  EXPECT_DOUBLE_EQ(ExpectileLoss(v, target, 0.5).item<double>(), 0.5 * 4);
  EXPECT_DOUBLE_EQ(ExpectileLoss(v, target, 0.9).item<double>(), (0.9 * 4 + 0.1 * 4) / 2);
  EXPECT_DOUBLE_EQ(ExpectileLoss(Doubles({0}), Doubles({2}), 0.9).item<double>(), 0.9 * 4);
}

TEST(Value, IsBlendedWithTheTargetCritics) {
  const at::Tensor blended = BlendedValue(Doubles({1}), Doubles({5}), 0.25);
  EXPECT_DOUBLE_EQ(blended[0].item<double>(), 0.25 * 1 + 0.75 * 5);
}

TEST(Temperature, LossPullsTheEntropyToItsTarget) {
  const at::Tensor log_alpha = at::scalar_tensor(0.5, at::kDouble).requires_grad_(true);
  const at::Tensor log_prob = Doubles({-1, -2});
  const at::Tensor loss = TemperatureLoss(log_alpha, log_prob, -2);
  EXPECT_DOUBLE_EQ(loss.item<double>(), -0.5 * (-1.5 - 2));
  // The entropy, 1.5, is above the target: alpha falls.
  EXPECT_DOUBLE_EQ(torch::autograd::grad({loss}, {log_alpha})[0].item<double>(), 3.5);
}

TEST(Gradients, OfEveryLossAgreeWithCentralDifferences) {
  const at::Tensor noise = Random({4, 2}), alpha = at::scalar_tensor(0.7, at::kDouble);
  ExpectGradient(Random({4, 4}), [&](const at::Tensor& x) {
    const PolicySample sample = SamplePolicy(HeadFrom(x), noise);
    return PolicyLoss(alpha, sample.log_prob, sample.action.sum(1));
  });
  ExpectGradient(Random({4, 4}), [&](const at::Tensor& x) {
    const GaussianHead head = SplitHead(x, at::scalar_tensor(1.2, at::kDouble), alpha, -20, 2);
    return SamplePolicy(head, noise).log_prob;
  });
  const at::Tensor labels = at::tensor({0, 0, 1, 1}, at::kLong), other = Random({4, 2});
  ExpectGradient(Random({4, 2}), [&](const at::Tensor& z) {
    return DiscriminatorLoss(BoundedLogits(z) + other, labels);
  });
  const at::Tensor target = Random({4}), weight = Random({4}).abs();
  ExpectGradient(Random({2, 4}),
                 [&](const at::Tensor& q) { return TemporalDifference(q, target); });
  ExpectGradient(Random({2, 4}), [&](const at::Tensor& q) {
    return WeightedTemporalDifference(q, target, weight);
  });
  const at::Tensor omega = GapWeights(weight), real = Random({2, 4});
  ExpectGradient(Random({2, 4}),
                 [&](const at::Tensor& q) { return LogSumExpRegularizer(q, real, omega.log()); });
  ExpectGradient(Random({2, 4}),
                 [&](const at::Tensor& q) { return LogSumExpRegularizer(real, q, omega.log()); });
  ExpectGradient(Random({2, 4}),
                 [&](const at::Tensor& q) { return MeanRegularizer(q, real, omega); });
  // Away from the corner of the square at 0, whose two sides differ in the second derivative.
  const at::Tensor value_target = Random({4});
  ExpectGradient(value_target + Doubles({0.5, -0.5, 1, -1}),
                 [&](const at::Tensor& v) { return ExpectileLoss(v, value_target, 0.8); });
  const at::Tensor difference = Random({4, 3});
  ExpectGradient(Random({4, 6}, 4), [&](const at::Tensor& x) {
    return DynamicsModelLoss(SplitPrediction(x), difference);
  });
  const at::Tensor density = Random({4, 3}), data = Random({2, 4});
  ExpectGradient(Random({2, 4, 3}),
                 [&](const at::Tensor& q) { return CqlRegularizer(q, density, data); });
}

}  // namespace
}  // namespace estuary::learner
