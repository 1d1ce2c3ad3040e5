// Prepared products and passes through nets against plain loops in double precision.
#include "learner/core/native/mlp.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <random>
#include <vector>

namespace estuary::learner::native {
namespace {

void FillRandom(Floats& floats, std::mt19937& random) {
  std::normal_distribution<float> normal;
  for (int64_t i = 0; i < floats.size(); ++i) floats[i] = normal(random);
}

using ProductFunction = std::function<void(const float*, const float*, float*)>;

void ExpectProduct(const ProductShape& s, const ProductFunction& run) {
  std::mt19937 random(1);
  Floats in((s.in_transposed ? s.depth : s.rows) * s.in_ld), weight(s.depth * s.weight_ld),
      out(s.rows * s.out_ld), before(s.rows * s.out_ld);
  FillRandom(in, random);
  FillRandom(weight, random);
  FillRandom(out, random);
  for (int64_t i = 0; i < out.size(); ++i) before[i] = out[i];
  run(in.data(), weight.data(), out.data());
  for (int r = 0; r < s.rows; ++r) {
    for (int c = 0; c < s.out_ld; ++c) {
      double want = s.accumulate || c >= s.columns ? before[r * s.out_ld + c] : 0;
      for (int k = 0; k < s.depth && c < s.columns; ++k) {
        const float x = s.in_transposed ? in[k * s.in_ld + r] : in[r * s.in_ld + k];
        want += static_cast<double>(x) * weight[k * s.weight_ld + c];
      }
      ASSERT_NEAR(out[r * s.out_ld + c], want, 1e-5 * (1 + std::sqrt(s.depth)))
          << s.rows << "x" << s.columns << "x" << s.depth << " at " << r << ", " << c;
    }
  }
}

TEST(Product, MultipliesAnyShapeAndTouchesNothingElse) {
  for (const auto& [rows, columns, depth] :
       {std::array{1, 1, 1}, {7, 20, 5}, {64, 32, 33}, {13, 17, 41}, {257, 64, 16}, {2, 272, 70}}) {
    for (const bool transposed : {false, true}) {
      for (const bool accumulate : {false, true}) {
        const ProductShape s = {.rows = rows,
                                .columns = columns,
                                .depth = depth,
                                .in_ld = (transposed ? rows : depth) + 3,
                                .weight_ld = Padded(columns),
                                .out_ld = Padded(columns + 1),
                                .in_transposed = transposed,
                                .accumulate = accumulate};
        const Product prepared(s);
        ExpectProduct(s,
                      [&](const float* in, const float* w, float* out) { prepared(in, w, out); });
        ExpectProduct(s, [&](const float* in, const float* w, float* out) {
          BestKernels().product(s, in, w, out);
        });
      }
    }
  }
}

// A net in plain double arithmetic at one row.
struct PlainNet {
  const MlpLayout& layout;
  const float* values;

  std::vector<double> operator()(const float* row) const {
    std::vector<double> h(row + 1, row + 1 + layout.layers[0].inputs);
    for (const DenseLayer& layer : layout.layers) {
      std::vector<double> out(static_cast<size_t>(layer.outputs));
      for (int j = 0; j < layer.outputs; ++j) {
        double sum = values[layer.BiasAt(j)];
        for (int i = 0; i < layer.inputs; ++i) {
          sum += values[layer.WeightAt(j, i)] * h[static_cast<size_t>(i)];
        }
        out[static_cast<size_t>(j)] = layer.last ? sum : std::max(0.0, sum);
      }
      h = out;
    }
    return h;
  }
};

struct Net {
  Net(int inputs, const std::vector<int>& hidden, int outputs) {
    int64_t size = 0, mirror_size = 0;
    layout = MlpLayout(inputs, hidden, outputs, /*mirrored=*/true, size, mirror_size);
    values = Floats(size);
    mirror = Floats(mirror_size);
    std::mt19937 random(3);
    std::normal_distribution<float> normal(0, 0.4f);
    for (const DenseLayer& layer : layout.layers) {
      for (int j = 0; j < layer.outputs; ++j) {
        for (int i = 0; i < layer.inputs; ++i) values[layer.WeightAt(j, i)] = normal(random);
        values[layer.BiasAt(j)] = normal(random);
      }
    }
    RefreshMirror(layout, values.data(), mirror.data());
  }
  MlpWeights weights() const { return {values.data(), mirror.data()}; }

  MlpLayout layout;
  Floats values, mirror;
};

Floats RandomRows(int rows, int inputs, int64_t ld) {
  std::mt19937 random(4);
  Floats x(rows * ld);
  FillRandom(x, random);
  for (int r = 0; r < rows; ++r) x[r * ld] = 1;
  (void)inputs;
  return x;
}

TEST(MlpPass, ComputesTheNetInBlocksAndRests) {
  for (const int rows : {1, 63, 64, 150}) {
    for (const bool keep : {false, true}) {
      const Net net(7, {20, 33}, 3);
      const Floats x = RandomRows(rows, 7, 16);
      MlpPass pass(net.layout, {.rows = rows, .input_ld = 16, .keep = keep});
      pass.Forward(net.weights(), x.data());
      for (int r = 0; r < rows; ++r) {
        const auto want = PlainNet{net.layout, net.values.data()}(x.data() + r * 16);
        for (int j = 0; j < 3; ++j) {
          ASSERT_NEAR(pass.output()[j * pass.output_ld() + r], want[static_cast<size_t>(j)], 1e-4);
        }
      }
    }
  }
}

TEST(MlpPass, DifferentiatesEveryParameterAndAddsWhereAsked) {
  const int rows = 70;
  Net net(5, {18, 16, 12}, 2);
  const Floats x = RandomRows(rows, 5, 16);
  MlpPass pass(net.layout, {.rows = rows, .input_ld = 16, .keep = true, .backward = true});
  Floats g(2 * pass.output_ld());
  std::mt19937 random(5);
  FillRandom(g, random);
  const auto loss = [&] {
    double sum = 0;
    for (int r = 0; r < rows; ++r) {
      const auto y = PlainNet{net.layout, net.values.data()}(x.data() + r * 16);
      sum += g[r] * y[0] + g[pass.output_ld() + r] * y[1];
    }
    return sum;
  };
  Floats gradient(net.values.size());
  pass.Forward(net.weights(), x.data());
  pass.Backward(net.weights(), x.data(), g.data(), gradient.data(), /*accumulate=*/false);
  pass.Backward(net.weights(), x.data(), g.data(), gradient.data(), /*accumulate=*/true);
  int checked = 0;
  for (const DenseLayer& layer : net.layout.layers) {
    for (int j = 0; j < layer.outputs; j += 5) {
      for (int i = -1; i < layer.inputs; i += 4) {
        const int64_t at = i < 0 ? layer.BiasAt(j) : layer.WeightAt(j, i);
        const float kept = net.values[at];
        const float step = 1e-3f;
        net.values[at] = kept + step;
        const double up = loss();
        net.values[at] = kept - step;
        const double down = loss();
        net.values[at] = kept;
        const double width = static_cast<double>(kept + step) - static_cast<double>(kept - step);
        const double want = (up - down) / width;
        // Kinks of ReLU within the step leave a little.
        ASSERT_NEAR(gradient[at] / 2, want, 0.02 * (1 + std::abs(want)));
        ++checked;
      }
    }
  }
  EXPECT_GT(checked, 40);
}

TEST(InputGradient, DifferentiatesTheChosenRowsAlone) {
  const int rows = 45;
  const Net net(6, {24, 20}, 1);
  Floats x = RandomRows(rows, 6, 16);
  MlpPass pass(net.layout, {.rows = rows, .input_ld = 16, .keep = true});
  pass.Forward(net.weights(), x.data());
  InputGradient gradient(net.layout, rows, /*first=*/4, /*count=*/2);
  std::vector<int> chosen = {0, 3, 7, 44};
  for (int r = 10; r < 30; ++r) chosen.push_back(r);
  Floats ones(rows), out(2 * Padded(rows));
  for (int r = 0; r < rows; ++r) ones[r] = 1;
  gradient.Run(net.layout, net.weights(), pass, chosen.data(), static_cast<int>(chosen.size()),
               ones.data(), out.data(), Padded(rows));
  const PlainNet plain{net.layout, net.values.data()};
  for (size_t c = 0; c < chosen.size(); ++c) {
    for (int d = 0; d < 2; ++d) {
      float* row = x.data() + chosen[c] * 16;
      const float kept = row[5 + d];
      row[5 + d] = kept + 1e-3f;
      const double up = plain(row)[0];
      row[5 + d] = kept - 1e-3f;
      const double down = plain(row)[0];
      row[5 + d] = kept;
      EXPECT_NEAR(out[d * Padded(rows) + static_cast<int64_t>(c)], (up - down) / 2e-3, 0.02);
    }
  }
}

}  // namespace
}  // namespace estuary::learner::native
