#include "learner/trace/update_trace.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/hdf5/file.h"
#include "learner/core/config.h"
#include "learner/core/engine.h"
#include "learner/core/tensor_tree.h"

namespace estuary::learner {
namespace {

// Reads attributes that may be missing, keeping the first error.
class Attributes {
 public:
  explicit Attributes(const hdf5::File& file) : file_(file) {}

  void Read(const char* name, double& value) {
    if (!file_.HasAttribute("/", name)) return;
    const auto read = file_.Attribute<double>("/", name);
    status_.Update(read.status());
    if (read.ok()) value = *read;
  }

  void Read(const char* name, std::string& value) {
    if (!file_.HasAttribute("/", name)) return;
    auto read = file_.StringAttribute("/", name);
    status_.Update(read.status());
    if (read.ok()) value = *std::move(read);
  }

  void Read(const char* name, bool& value) {
    if (!file_.HasAttribute("/", name)) return;
    const auto read = file_.Attribute<int64_t>("/", name);
    status_.Update(read.status());
    if (read.ok()) value = *read != 0;
  }

  const absl::Status& status() const { return status_; }

 private:
  const hdf5::File& file_;
  absl::Status status_;
};

bool IsDataset(const hdf5::File& file, const std::string& path) {
  return file.DatasetShape(path).ok();
}

// Everything under `path`, keyed by the path below `path` (or by `key` for a dataset).
absl::Status ReadTree(const hdf5::File& file, const std::string& path, const std::string& key,
                      TensorTree& tree) {
  if (IsDataset(file, path)) {
    auto array = file.Read<double>(path);
    if (!array.ok()) return array.status();
    tree[key] = {{array->shape.begin(), array->shape.end()}, std::move(array->values)};
    return absl::OkStatus();
  }
  const auto names = file.List(path);
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    const std::string child = key.empty() ? name : absl::StrCat(key, "/", name);
    if (auto status = ReadTree(file, absl::StrCat(path, "/", name), child, tree); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

// A column of one number a row may come as [n, 1], and a scalar as [1].
void Normalize(TensorTree& tree) {
  for (auto& [path, tensor] : tree) {
    const bool column = absl::EndsWith(path, "/reward") || absl::EndsWith(path, "/terminal");
    if (column && tensor.shape.size() == 2 && tensor.shape[1] == 1) tensor.shape.pop_back();
    const bool scalar = absl::EndsWith(path, "log_std_multiplier") ||
                        absl::EndsWith(path, "log_std_offset") || path == "log_alpha";
    if (scalar && tensor.values.size() == 1) tensor.shape.clear();
  }
}

// Sizes of the hidden layers of a net: rows of its weights but the last.
std::vector<int> HiddenLayers(const TensorTree& parameters, const std::string& net) {
  std::vector<int> rows;
  for (int layer = 0;; ++layer) {
    const auto it = parameters.find(absl::StrCat(net, "/", layer, "/weight"));
    if (it == parameters.end() || it->second.shape.empty()) break;
    rows.push_back(static_cast<int>(it->second.shape[0]));
  }
  if (!rows.empty()) rows.pop_back();
  return rows;
}

// Dimension `index` of `path`, or `otherwise` where there is no such array.
int Dimension(const TensorTree& tree, const std::string& path, size_t index, int otherwise) {
  const auto it = tree.find(path);
  if (it == tree.end() || it->second.shape.size() <= index) return otherwise;
  return static_cast<int>(it->second.shape[index]);
}

absl::StatusOr<EngineOptions> ReadOptions(const hdf5::File& file, const TensorTree& parameters,
                                          const TensorTree& inputs) {
  Attributes attributes(file);
  std::string algorithm = "h2o", precision = "float64";
  attributes.Read("algorithm", algorithm);
  attributes.Read("precision", precision);
  if (!attributes.status().ok()) return attributes.status();
  auto named = AlgorithmByName(algorithm);
  if (!named.ok()) return named.status();
  if (precision != "float64" && precision != "float32") {
    return absl::InvalidArgumentError(
        absl::StrCat("attribute precision is '", precision, "'; it may be float64 or float32"));
  }
  EngineOptions options;
  options.precision = precision == "float32" ? Precision::kFloat32 : Precision::kFloat64;
  LearnerConfig& config = options.config;
  config.algorithm = *std::move(named);
  AlgorithmConfig& a = config.algorithm;
  attributes.Read("min_q_weight", a.min_q_weight);
  attributes.Read("discriminator_noise_std", a.discriminator_noise);
  attributes.Read("backup_entropy", a.backup_entropy);
  attributes.Read("ratio_min", a.ratio_min);
  attributes.Read("ratio_max", a.ratio_max);
  attributes.Read("gap_min", a.gap_min);
  attributes.Read("gap_max", a.gap_max);
  attributes.Read("reward_shaping_clip", a.reward_shaping_clip);
  attributes.Read("exploit_coefficient", a.exploit_coefficient);
  attributes.Read("value_expectile", a.value_expectile);
  attributes.Read("discount", config.optimizer.discount);
  attributes.Read("tau", config.optimizer.tau);
  attributes.Read("learning_rate", config.optimizer.learning_rate);

  const std::string source = a.UsesReal() ? "batch/real" : "batch/sim";
  config.observation_dim = Dimension(inputs, source + "/observation", 1, 0);
  config.action_dim = Dimension(inputs, source + "/action", 1, 0);
  double target_entropy = -config.action_dim;
  attributes.Read("target_entropy", target_entropy);
  config.optimizer.target_entropy = target_entropy;
  a.gap_samples = Dimension(inputs, "noise/next_state", 1, a.gap_samples);
  a.cql_actions = Dimension(inputs, "noise/cql/current", 1, a.cql_actions);
  config.networks.hidden = HiddenLayers(parameters, "policy");
  // A file that trains discriminators which no loss reads gets what it asks for.
  a.always_train_discriminators = parameters.contains("d_sa/0/weight") &&
                                  inputs.contains("discriminator_batch/real/observation");
  if (a.NeedsDiscriminators()) {
    config.networks.discriminator_hidden = HiddenLayers(parameters, "d_sa");
  }
  if (a.NeedsDynamicsModel()) {
    config.networks.dynamics_hidden = HiddenLayers(parameters, "dynamics");
  }
  if (!attributes.status().ok()) return attributes.status();
  return options;
}

absl::StatusOr<EngineKind> ReadEngine(const hdf5::File& file) {
  Attributes attributes(file);
  std::string engine = "eager";
  attributes.Read("engine", engine);
  if (!attributes.status().ok()) return attributes.status();
  if (engine == "eager") return EngineKind::kEager;
  if (engine == "native") return EngineKind::kNative;
  if (engine == "cuda_graph") return EngineKind::kGraph;
  return absl::InvalidArgumentError(
      absl::StrCat("attribute engine is '", engine, "'; it may be eager, native or cuda_graph"));
}

absl::StatusOr<Device> ReadDevice(const hdf5::File& file, EngineKind kind) {
  Attributes attributes(file);
  std::string device = kind == EngineKind::kGraph ? "cuda" : "cpu";
  attributes.Read("device", device);
  if (!attributes.status().ok()) return attributes.status();
  if (device == "cpu") return Device::kCpu;
  if (device == "cuda") return Device::kCuda;
  return absl::InvalidArgumentError(
      absl::StrCat("attribute device is '", device, "'; it may be cpu or cuda"));
}

absl::Status WriteTree(hdf5::File& file, const std::string& group, const TensorTree& tree) {
  for (const auto& [path, tensor] : tree) {
    const hdf5::Shape shape(tensor.shape.begin(), tensor.shape.end());
    const std::vector<float> values(tensor.values.begin(), tensor.values.end());
    if (auto status = file.Write<float>(group + path, shape, values); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunUpdateTrace(const std::string& input_path, const std::string& output_path) {
  auto input = hdf5::File::Open(input_path);
  if (!input.ok()) return input.status();
  TensorTree parameters, inputs;
  absl::Status status = ReadTree(*input, "/params", "", parameters);
  for (const char* group : {"batch", "discriminator_batch", "noise", "state_std"}) {
    const std::string path = absl::StrCat("/", group);
    if (input->Exists(path)) status.Update(ReadTree(*input, path, group, inputs));
  }
  if (!status.ok()) return status;
  Normalize(parameters);
  Normalize(inputs);
  auto options = ReadOptions(*input, parameters, inputs);
  if (!options.ok()) return options.status();
  const auto kind = ReadEngine(*input);
  if (!kind.ok()) return kind.status();
  const auto device = ReadDevice(*input, *kind);
  if (!device.ok()) return device.status();
  options->device = *device;

  const auto engine = MakeEngine(*kind, *options);
  if (!engine.ok()) return engine.status();
  status = (*engine)->SetParameters(parameters);
  if (!status.ok()) return status;
  const auto outputs = (*engine)->StepWith(inputs);
  if (!outputs.ok()) return outputs.status();
  const auto after = (*engine)->Parameters();
  if (!after.ok()) return after.status();

  auto output = hdf5::File::Create(output_path);
  if (!output.ok()) return output.status();
  status = WriteTree(*output, "/", *outputs);
  status.Update(WriteTree(*output, "/params_after/", *after));
  status.Update(output->Close());
  return status;
}

}  // namespace estuary::learner
