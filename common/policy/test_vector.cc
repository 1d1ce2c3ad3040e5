#include "common/policy/test_vector.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>

namespace estuary::policy {
namespace {

constexpr double kLeast = 1e-5;
constexpr double kMost = 1e-3;
// Half a unit in the last place of a float32 with its value near 1.
constexpr double kRounding = 0x1.0p-24;
// Standard deviations of the estimated error.
constexpr double kMargin = 16;

float FloatAt(const std::string& bytes, size_t i) {
  float value;
  std::memcpy(&value, bytes.data() + i * sizeof(float), sizeof(float));
  return value;
}

// A number and the variance of its rounding error.
struct Rounded {
  double value = 0;
  double variance = 0;
};

double Square(double x) { return x * x; }

}  // namespace

std::vector<double> TestTolerance(const v1::PolicyVersion& version) {
  std::vector<Rounded> x(version.observation_dim());
  for (size_t i = 0; i < x.size(); ++i) {
    x[i].value = (static_cast<double>(version.test_observation(static_cast<int>(i))) -
                  FloatAt(version.observation_mean(), i)) *
                 FloatAt(version.observation_scale(), i);
    x[i].variance = Square(kRounding * x[i].value);
  }
  for (int l = 0; l < version.layers_size(); ++l) {
    const v1::DenseLayer& layer = version.layers(l);
    std::vector<Rounded> y(layer.outputs());
    for (size_t o = 0; o < y.size(); ++o) {
      y[o].value = FloatAt(layer.bias(), o);
      for (size_t i = 0; i < x.size(); ++i) {
        const double w = FloatAt(layer.weight(), o * x.size() + i);
        y[o].value += w * x[i].value;
        y[o].variance += Square(w) * x[i].variance + Square(kRounding * y[o].value);
      }
      if (l + 1 < version.layers_size() && y[o].value < 0) y[o].value = 0;
    }
    x = std::move(y);
  }
  std::vector<double> tolerance(version.action_dim());
  for (size_t i = 0; i < tolerance.size(); ++i) {
    // Written so that NaN gives the most.
    const double wanted = kLeast + kMargin * std::sqrt(x[i].variance);
    tolerance[i] = wanted < kMost ? wanted : kMost;
  }
  return tolerance;
}

}  // namespace estuary::policy
