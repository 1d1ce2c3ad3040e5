#include "learner/core/native/nets.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace estuary::learner::native {
namespace {

constexpr double kBeta1 = 0.9;
constexpr double kBeta2 = 0.999;

// Input rows of a strip: a square of the widest vectors across.
constexpr int kStripRows = 16;

AdamRates RatesAt(double learning_rate, uint64_t step) {
  const double t = static_cast<double>(step);
  return {.rate = static_cast<float>(learning_rate / (1 - std::pow(kBeta1, t))),
          .root_correction = static_cast<float>(1 / std::sqrt(1 - std::pow(kBeta2, t)))};
}

Floats Copy(const Floats& from) {
  Floats copy(from.size());
  std::memcpy(copy.data(), from.data(), static_cast<size_t>(from.size()) * sizeof(float));
  return copy;
}

}  // namespace

Nets::Nets(const LearnerConfig& config, Random& random) {
  const int o = config.observation_dim, a = config.action_dim;
  const NetworkConfig& networks = config.networks;
  int64_t at = 0, mirror = 0;
  const auto add = [&](const char* name, MlpLayout& layout, int inputs,
                       const std::vector<int>& hidden, int outputs, bool constant, bool near_zero) {
    layout = MlpLayout(inputs, hidden, outputs, /*mirrored=*/!constant, at, mirror);
    nets_.push_back({name, &layout, constant, near_zero});
  };
  const auto add_scalar = [&](const char* path) {
    scalars_.push_back({path, at});
    at += kLanes;
    return at - kLanes;
  };
  add("policy", policy_, o, networks.hidden, 2 * a, false, true);
  multiplier_ = add_scalar("policy/log_std_multiplier");
  offset_ = add_scalar("policy/log_std_offset");
  add("q1", critics_[0], o + a, networks.hidden, 1, false, true);
  add("q2", critics_[1], o + a, networks.hidden, 1, false, true);
  log_alpha_ = add_scalar("log_alpha");
  if (config.algorithm.NeedsValue()) add("v", value_, o, networks.hidden, 1, false, true);
  add("q1_target", targets_[0], o + a, networks.hidden, 1, true, true);
  add("q2_target", targets_[1], o + a, networks.hidden, 1, true, true);
  if (config.algorithm.NeedsDiscriminators()) {
    add("d_sa", d_sa_, o + a, networks.discriminator_hidden, 2, false, false);
    add("d_sas", d_sas_, 2 * o + a, networks.discriminator_hidden, 2, false, false);
  }
  if (config.algorithm.NeedsDynamicsModel()) {
    add("dynamics", dynamics_, o + a, networks.dynamics_hidden, 2 * o, true, false);
  }
  for (Floats* flat : {&values_, &gradient_, &first_, &second_}) *flat = Floats(at);
  mirror_ = Floats(mirror);
  Initialize(config, random);
}

void Nets::Initialize(const LearnerConfig& config, Random& random) {
  std::vector<float> numbers;
  const auto uniform = [&](double bound, int64_t count) {
    numbers.assign(static_cast<size_t>(count), 0);
    if (bound > 0) random.Uniforms(static_cast<float>(bound), count, numbers.data());
  };
  for (const Net& net : nets_) {
    if (net.constant) continue;
    for (const DenseLayer& layer : net.layout->layers) {
      const bool near_zero = layer.last && net.near_zero;
      // As PyTorch's Linear starts, and Xavier's uniform with gain 0.01.
      const double fan_in = 1 / std::sqrt(static_cast<double>(layer.inputs));
      const double xavier = 0.01 * std::sqrt(6.0 / (layer.inputs + layer.outputs));
      uniform(near_zero ? xavier : fan_in, int64_t{layer.inputs} * layer.outputs);
      for (int j = 0; j < layer.outputs; ++j) {
        for (int i = 0; i < layer.inputs; ++i) {
          values_[layer.WeightAt(j, i)] = numbers[static_cast<size_t>(j) * layer.inputs + i];
        }
      }
      uniform(near_zero ? 0 : fan_in, layer.outputs);
      for (int j = 0; j < layer.outputs; ++j) values_[layer.BiasAt(j)] = numbers[j];
    }
  }
  values_[multiplier_] = static_cast<float>(config.networks.log_std_multiplier);
  values_[offset_] = static_cast<float>(config.networks.log_std_offset);
  values_[log_alpha_] = static_cast<float>(std::log(config.optimizer.initial_temperature));
  for (int i = 0; i < 2; ++i) {
    std::memcpy(values_.data() + targets_[i].begin(), values_.data() + critics_[i].begin(),
                static_cast<size_t>(critics_[i].size()) * sizeof(float));
  }
  RefreshAll();
}

void Nets::RefreshAll() {
  for (const Net& net : nets_) RefreshMirror(*net.layout, values_.data(), mirror_.data());
}

Range Nets::DiscriminatorRange() const {
  if (d_sa_.layers.empty()) return {};
  return {d_sa_.begin(), d_sa_.size() + d_sas_.size()};
}

void Nets::AdamRange(int64_t begin, int64_t count, const AdamRates& rates, float* follower,
                     float follow) {
  BestKernels().adam(values_.data() + begin, gradient_.data() + begin, first_.data() + begin,
                     second_.data() + begin, count, rates, follower, follow);
}

void Nets::Adam(const MlpLayout& layout, int64_t end, double learning_rate, uint64_t step,
                float* follower, double follow) {
  const AdamRates rates = RatesAt(learning_rate, step);
  const float by = static_cast<float>(follow);
  const auto run = [&](int64_t begin, int64_t count) {
    AdamRange(begin, count, rates,
              follower == nullptr ? nullptr : follower + begin - layout.begin(), by);
  };
  for (const DenseLayer& layer : layout.layers) {
    if (layer.mirror < 0) {
      run(layer.offset, layer.size);
      continue;
    }
    // Strips that are mirrored while they are in the first-level cache.
    for (int row = 0; row <= layer.inputs; row += kStripRows) {
      const int rows = std::min(kStripRows, layer.inputs + 1 - row);
      const int64_t at = layer.offset + row * layer.ld;
      run(at, rows * layer.ld);
      // The last row is the bias.
      BestKernels().transpose(values_.data() + at, layer.ld, std::min(rows, layer.inputs - row),
                              layer.outputs, mirror_.data() + layer.mirror + row,
                              Padded(layer.inputs));
    }
  }
  const int64_t behind = layout.begin() + layout.size();
  if (end > behind) run(behind, end - behind);
}

void Nets::AdamPolicy(double learning_rate, uint64_t step, float* follower, double follow) {
  Adam(policy_, critics_[0].begin(), learning_rate, step, follower, follow);
}

void Nets::AdamCritic(int i, double learning_rate, uint64_t step, double tau) {
  Adam(critics_[i], 0, learning_rate, step, values_.data() + targets_[i].begin(), tau);
}

void Nets::AdamDiscriminators(double learning_rate, uint64_t step) {
  for (const MlpLayout* net : {&d_sa_, &d_sas_}) Adam(*net, 0, learning_rate, step, nullptr, 0);
}

void Nets::AdamValue(double learning_rate, uint64_t step) {
  if (!value_.layers.empty()) Adam(value_, 0, learning_rate, step, nullptr, 0);
}

void Nets::AdamAlpha(double learning_rate, uint64_t step) {
  AdamRange(log_alpha_, kLanes, RatesAt(learning_rate, step), nullptr, 0);
}

template <typename Visit>
void Nets::ForTensors(const Net& net, Visit visit) {
  for (size_t l = 0; l < net.layout->layers.size(); ++l) {
    const DenseLayer& layer = net.layout->layers[l];
    visit(absl::StrCat(net.name, "/", l, "/weight"),
          std::vector<int64_t>{layer.outputs, layer.inputs}, [&layer](int64_t i) {
            return layer.WeightAt(static_cast<int>(i / layer.inputs),
                                  static_cast<int>(i % layer.inputs));
          });
    visit(absl::StrCat(net.name, "/", l, "/bias"), std::vector<int64_t>{layer.outputs},
          [&layer](int64_t i) { return layer.BiasAt(static_cast<int>(i)); });
  }
}

void Nets::Export(const Floats& flat, bool constants, const std::string& prefix,
                  TensorTree& tree) const {
  for (const Net& net : nets_) {
    if (net.constant && !constants) continue;
    ForTensors(net, [&](const std::string& path, std::vector<int64_t> shape, auto place) {
      HostTensor& tensor = tree[prefix + path];
      tensor.values.resize(static_cast<size_t>(ElementCount(shape)));
      tensor.shape = std::move(shape);
      for (size_t i = 0; i < tensor.values.size(); ++i) {
        tensor.values[i] = flat[place(static_cast<int64_t>(i))];
      }
    });
  }
  for (const Scalar& scalar : scalars_) {
    tree[prefix + scalar.path] = HostTensor::Scalar(flat[scalar.at]);
  }
}

absl::Status Nets::Import(const TensorTree& tree, bool constants, const std::string& prefix,
                          Floats& flat) const {
  absl::Status status;
  for (const Net& net : nets_) {
    if (net.constant && !constants) continue;
    ForTensors(net, [&](const std::string& path, const std::vector<int64_t>& shape, auto place) {
      const auto found = Find(tree, prefix + path, shape, "the parameters");
      status.Update(found.status());
      if (!found.ok()) return;
      for (size_t i = 0; i < (*found)->values.size(); ++i) {
        flat[place(static_cast<int64_t>(i))] = static_cast<float>((*found)->values[i]);
      }
    });
  }
  for (const Scalar& scalar : scalars_) {
    const auto found = Find(tree, prefix + scalar.path, {}, "the parameters");
    status.Update(found.status());
    if (found.ok()) flat[scalar.at] = static_cast<float>((*found)->values[0]);
  }
  return status;
}

void Nets::ExportValues(const std::string& prefix, TensorTree& tree) const {
  Export(values_, /*constants=*/true, prefix, tree);
}

void Nets::ExportGradients(const std::string& prefix, TensorTree& tree) const {
  Export(gradient_, /*constants=*/false, prefix, tree);
}

void Nets::ExportMoments(TensorTree& tree) const {
  Export(first_, /*constants=*/false, "first_moment/", tree);
  Export(second_, /*constants=*/false, "second_moment/", tree);
}

absl::Status Nets::ImportValues(const std::string& prefix, const TensorTree& tree) {
  Floats values = Copy(values_);
  if (auto status = Import(tree, /*constants=*/true, prefix, values); !status.ok()) return status;
  values_ = std::move(values);
  RefreshAll();
  return absl::OkStatus();
}

absl::Status Nets::ImportAll(const TensorTree& tree) {
  Floats values = Copy(values_), first = Copy(first_), second = Copy(second_);
  absl::Status status = Import(tree, /*constants=*/true, "parameter/", values);
  status.Update(Import(tree, /*constants=*/false, "first_moment/", first));
  status.Update(Import(tree, /*constants=*/false, "second_moment/", second));
  if (!status.ok()) return status;
  values_ = std::move(values);
  first_ = std::move(first);
  second_ = std::move(second);
  RefreshAll();
  return absl::OkStatus();
}

int64_t Nets::PolicyParameters() const {
  int64_t count = 2;
  for (const DenseLayer& layer : policy_.layers) count += (layer.inputs + 1) * layer.outputs;
  return count;
}

HostTensor Nets::PackPolicy(const float* range) const {
  HostTensor packed{{PolicyParameters()}, {}};
  ForTensors(nets_[0], [&](const std::string&, const std::vector<int64_t>& shape, auto place) {
    const int64_t count = ElementCount(shape);
    for (int64_t i = 0; i < count; ++i) packed.values.push_back(range[place(i) - policy_.begin()]);
  });
  packed.values.push_back(range[multiplier_ - policy_.begin()]);
  packed.values.push_back(range[offset_ - policy_.begin()]);
  return packed;
}

void Nets::UnpackPolicy(const HostTensor& tensor, float* range) const {
  size_t next = 0;
  ForTensors(nets_[0], [&](const std::string&, const std::vector<int64_t>& shape, auto place) {
    const int64_t count = ElementCount(shape);
    for (int64_t i = 0; i < count; ++i) {
      range[place(i) - policy_.begin()] = static_cast<float>(tensor.values[next++]);
    }
  });
  range[multiplier_ - policy_.begin()] = static_cast<float>(tensor.values[next++]);
  range[offset_ - policy_.begin()] = static_cast<float>(tensor.values[next++]);
}

double Nets::GradientNorm(const Range& range) const {
  double sum = 0;
  for (int64_t i = range.begin; i < range.begin + range.size; ++i) {
    sum += static_cast<double>(gradient_[i]) * gradient_[i];
  }
  return std::sqrt(sum);
}

}  // namespace estuary::learner::native
