#include "common/policy/network.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace estuary::policy {
namespace {

struct Dense {
  int inputs;
  int outputs;
  std::vector<float> weight;
  std::vector<float> bias;
};

std::vector<Dense> RandomLayers(const std::vector<int>& widths) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::vector<Dense> layers;
  for (size_t i = 0; i + 1 < widths.size(); ++i) {
    Dense layer{widths[i], widths[i + 1], {}, {}};
    for (int k = 0; k < layer.inputs * layer.outputs; ++k) {
      layer.weight.push_back(normal(random) / std::sqrt(static_cast<float>(layer.inputs)));
    }
    for (int k = 0; k < layer.outputs; ++k) layer.bias.push_back(normal(random));
    layers.push_back(layer);
  }
  return layers;
}

Network Build(const Kernel& kernel, const std::vector<Dense>& layers) {
  Network network(kernel);
  for (const Dense& layer : layers) {
    network.AddLayer(layer.inputs, layer.outputs, layer.weight.data(), layer.bias.data());
  }
  return network;
}

std::vector<float> Forward(const Network& network, const std::vector<float>& input, int rows) {
  AlignedFloats a(static_cast<size_t>(rows) * network.stride());
  AlignedFloats b(static_cast<size_t>(rows) * network.stride());
  const float* output = network.Forward(input.data(), network.inputs(), rows, a.data(), b.data());
  std::vector<float> result;
  for (int r = 0; r < rows; ++r) {
    const float* row = output + static_cast<size_t>(r) * network.stride();
    result.insert(result.end(), row, row + network.outputs());
  }
  return result;
}

std::vector<double> ForwardSlowly(const std::vector<Dense>& layers, std::vector<double> x) {
  for (size_t l = 0; l < layers.size(); ++l) {
    std::vector<double> y(layers[l].bias.begin(), layers[l].bias.end());
    for (int o = 0; o < layers[l].outputs; ++o) {
      for (int i = 0; i < layers[l].inputs; ++i) {
        y[o] += static_cast<double>(layers[l].weight[o * layers[l].inputs + i]) * x[i];
      }
      if (l + 1 < layers.size() && y[o] < 0) y[o] = 0;
    }
    x = y;
  }
  return x;
}

class EveryKernel : public ::testing::TestWithParam<const Kernel*> {};

TEST_P(EveryKernel, AgreesWithPlainLoops) {
  // Widths around every panel's edge, rows around every tile's.
  const std::vector<std::vector<int>> shapes = {{1, 1},         {3, 2},       {17, 256, 256, 12},
                                                {4, 32, 32, 4}, {5, 65, 7},   {17, 63, 129, 33},
                                                {9, 16, 15, 8}, {2, 128, 64}, {64, 31, 1}};
  for (const std::vector<int>& widths : shapes) {
    const std::vector<Dense> layers = RandomLayers(widths);
    const Network network = Build(*GetParam(), layers);
    for (const int rows : {1, 2, 5, 6, 7, 11, 64}) {
      std::mt19937 random(rows);
      std::normal_distribution<float> normal;
      std::vector<float> input(rows * widths.front());
      for (float& value : input) value = normal(random);
      const std::vector<float> output = Forward(network, input, rows);
      for (int r = 0; r < rows; ++r) {
        const std::vector<double> expected = ForwardSlowly(
            layers, {input.begin() + r * widths.front(), input.begin() + (r + 1) * widths.front()});
        for (int o = 0; o < widths.back(); ++o) {
          ASSERT_NEAR(output[r * widths.back() + o], expected[o], 2e-5)
              << "widths " << ::testing::PrintToString(widths) << " rows " << rows << " row " << r;
        }
      }
    }
  }
}

TEST_P(EveryKernel, GivesARowTheSameBitsInAnyBatch) {
  const std::vector<Dense> layers = RandomLayers({17, 100, 256, 12});
  const Network network = Build(*GetParam(), layers);
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  std::vector<float> input(64 * 17);
  for (float& value : input) value = normal(random);
  const std::vector<float> together = Forward(network, input, 64);
  for (int r = 0; r < 64; ++r) {
    const std::vector<float> alone =
        Forward(network, {input.begin() + r * 17, input.begin() + (r + 1) * 17}, 1);
    ASSERT_EQ(alone,
              std::vector<float>(together.begin() + r * 12, together.begin() + (r + 1) * 12));
  }
}

TEST_P(EveryKernel, LetsNanThrough) {
  const Network network = Build(*GetParam(), RandomLayers({3, 40, 2}));
  const std::vector<float> output = Forward(network, {0.5f, std::nanf(""), 1.0f, 1, 2, 3}, 2);
  EXPECT_TRUE(std::isnan(output[0]) && std::isnan(output[1]));
  EXPECT_TRUE(std::isfinite(output[2]) && std::isfinite(output[3]));
}

INSTANTIATE_TEST_SUITE_P(Usable, EveryKernel, ::testing::ValuesIn(UsableKernels()),
                         [](const auto& info) { return std::string(info.param->name); });

TEST(Kernels, WithFusedMultiplyAddAgreeBitForBit) {
  const std::vector<const Kernel*> kernels = UsableKernels();
  if (kernels.size() < 3) GTEST_SKIP() << "this processor runs " << kernels.size() << " kernels";
  const std::vector<Dense> layers = RandomLayers({17, 256, 256, 12});
  const std::vector<float> input(17 * 9, 0.3f);
  EXPECT_EQ(Forward(Build(*kernels[1], layers), input, 9),
            Forward(Build(*kernels[2], layers), input, 9));
}

}  // namespace
}  // namespace estuary::policy
