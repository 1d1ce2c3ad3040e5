// Policy versions as ONNX, npz and HDF5: what other programs get must act as the policy does.
#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "common/hdf5/file.h"
#include "common/policy/export/arrays.h"
#include "common/policy/export/hdf5_file.h"
#include "common/policy/export/npz.h"
#include "common/policy/export/onnx_model.h"
#include "common/policy/policy.h"
#include "onnx.pb.h"
#include "tests/common/policy/policies.h"

namespace estuary::policy {
namespace {

using testing::ActSlowly;
using testing::MakePolicyVersion;
using testing::PolicyShape;

std::vector<float> RandomObservation(int dim, uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, 2);
  std::vector<float> observation(static_cast<size_t>(dim));
  for (float& value : observation) value = normal(generator);
  return observation;
}

// As a runtime would evaluate the graph, one row at a time, by the operators' definitions.
class Evaluator {
 public:
  explicit Evaluator(const onnx::GraphProto& graph) : graph_(graph) {
    for (const onnx::TensorProto& tensor : graph.initializer()) {
      if (tensor.data_type() != onnx::TensorProto::FLOAT) continue;
      std::vector<float>& values = constants_[tensor.name()];
      values.resize(tensor.raw_data().size() / sizeof(float));
      std::memcpy(values.data(), tensor.raw_data().data(), tensor.raw_data().size());
    }
  }

  std::map<std::string, std::vector<double>> Run(const std::vector<float>& observation) const {
    std::map<std::string, std::vector<double>> values;
    values["observation"].assign(observation.begin(), observation.end());
    for (const auto& [name, constant] : constants_) {
      values[name].assign(constant.begin(), constant.end());
    }
    for (const onnx::NodeProto& node : graph_.node()) {
      const auto in = [&](int i) -> const std::vector<double>& { return values.at(node.input(i)); };
      const auto each = [&](auto f) {
        std::vector<double> out(in(0).size());
        for (size_t i = 0; i < out.size(); ++i) {
          out[i] = f(in(0)[i], node.input_size() > 1 ? in(1)[in(1).size() == 1 ? 0 : i] : 0);
        }
        values[node.output(0)] = out;
      };
      const std::string& op = node.op_type();
      if (op == "Sub") {
        each([](double a, double b) { return a - b; });
      } else if (op == "Add") {
        each([](double a, double b) { return a + b; });
      } else if (op == "Mul") {
        each([](double a, double b) { return a * b; });
      } else if (op == "Relu") {
        each([](double a, double) { return std::max(a, 0.0); });
      } else if (op == "Tanh") {
        each([](double a, double) { return std::tanh(a); });
      } else if (op == "Clip") {
        const double low = in(1)[0], high = in(2)[0];
        each([&](double a, double) { return std::min(std::max(a, low), high); });
      } else if (op == "Split") {
        const auto middle = in(0).begin() + static_cast<std::ptrdiff_t>(in(0).size() / 2);
        const std::vector<double> first(in(0).begin(), middle), second(middle, in(0).end());
        values[node.output(0)] = first;
        values[node.output(1)] = second;
      } else if (op == "Gemm") {
        EXPECT_EQ(node.attribute(0).name(), "transB");
        std::vector<double> out(in(2).begin(), in(2).end());
        for (size_t o = 0; o < out.size(); ++o) {
          for (size_t i = 0; i < in(0).size(); ++i)
            out[o] += in(1)[o * in(0).size() + i] * in(0)[i];
        }
        values[node.output(0)] = out;
      } else {
        ADD_FAILURE() << "operator " << op;
      }
    }
    return values;
  }

 private:
  const onnx::GraphProto& graph_;
  std::map<std::string, std::vector<float>> constants_;
};

TEST(ToOnnx, GraphGivesThePolicysActionsAndItsGaussian) {
  for (const PolicyShape& shape :
       {PolicyShape{}, PolicyShape{.observation_dim = 4, .action_dim = 1, .hidden = {32, 32}},
        PolicyShape{.observation_dim = 3, .action_dim = 2, .hidden = {7}}}) {
    const v1::PolicyVersion version = MakePolicyVersion(shape);
    const auto bytes = ToOnnx(version);
    ASSERT_TRUE(bytes.ok()) << bytes.status();
    onnx::ModelProto model;
    ASSERT_TRUE(model.ParseFromString(*bytes));
    const Evaluator evaluator(model.graph());
    const auto policy = Policy::FromProto(version);
    ASSERT_TRUE(policy.ok()) << policy.status();
    Policy::Workspace workspace(**policy, 1);
    for (uint32_t seed = 1; seed <= 20; ++seed) {
      const std::vector<float> observation = RandomObservation(shape.observation_dim, seed);
      const auto outputs = evaluator.Run(observation);
      const testing::Expected expected = ActSlowly(version, observation);
      std::vector<float> action(static_cast<size_t>(shape.action_dim));
      (*policy)->Act(observation, 1, workspace, absl::MakeSpan(action));
      for (size_t i = 0; i < action.size(); ++i) {
        // float32 of the policy against double here, over sums of 256.
        EXPECT_NEAR(outputs.at("action")[i], action[i], 2e-5);
        EXPECT_NEAR(outputs.at("action")[i], std::tanh(expected.mean[i]), 1e-6);
        EXPECT_NEAR(outputs.at("mean")[i], expected.mean[i], 1e-6);
        EXPECT_NEAR(outputs.at("log_std")[i], expected.log_std[i], 1e-6);
      }
    }
  }
}

TEST(ToOnnx, SaysWhatItsInputsAndOutputsAreAndWhereItIsFrom) {
  const v1::PolicyVersion version = MakePolicyVersion({.task = "walker2d", .version = 42});
  onnx::ModelProto model;
  ASSERT_TRUE(model.ParseFromString(*ToOnnx(version)));
  EXPECT_EQ(model.ir_version(), 7);
  EXPECT_EQ(model.opset_import(0).version(), 13);
  ASSERT_EQ(model.graph().input_size(), 1);
  EXPECT_EQ(model.graph().input(0).name(), "observation");
  const auto& shape = model.graph().input(0).type().tensor_type().shape();
  EXPECT_EQ(shape.dim(0).dim_param(), "batch");
  EXPECT_EQ(shape.dim(1).dim_value(), 17);
  ASSERT_EQ(model.graph().output_size(), 3);
  EXPECT_EQ(model.graph().output(0).name(), "action");
  std::map<std::string, std::string> metadata;
  for (const auto& entry : model.metadata_props()) metadata[entry.key()] = entry.value();
  EXPECT_EQ(metadata["task"], "walker2d");
  EXPECT_EQ(metadata["version"], "42");
  EXPECT_EQ(metadata["sha256"], version.sha256());
}

TEST(ToOnnx, RefusesADamagedVersion) {
  v1::PolicyVersion version = MakePolicyVersion({});
  version.mutable_layers(1)->mutable_bias()->pop_back();
  EXPECT_EQ(ToOnnx(version).status().code(), absl::StatusCode::kInvalidArgument);
}

template <typename T>
T At(const std::string& bytes, size_t offset) {
  T value{};
  std::memcpy(&value, bytes.data() + offset, sizeof(value));
  return value;
}

// Members of a zip archive, by its directory; every checksum is compared.
std::map<std::string, std::string> Unzip(const std::string& zip) {
  std::map<std::string, std::string> members;
  const size_t end = zip.size() - 22;
  EXPECT_EQ(At<uint32_t>(zip, end), 0x06054b50u);
  const uint16_t count = At<uint16_t>(zip, end + 10);
  size_t at = At<uint32_t>(zip, end + 16);
  EXPECT_EQ(at + At<uint32_t>(zip, end + 12), end);
  for (int i = 0; i < count; ++i) {
    EXPECT_EQ(At<uint32_t>(zip, at), 0x02014b50u);
    EXPECT_EQ(At<uint16_t>(zip, at + 10), 0);
    const uint32_t crc = At<uint32_t>(zip, at + 16), size = At<uint32_t>(zip, at + 24);
    const uint16_t name_size = At<uint16_t>(zip, at + 28);
    const std::string name = zip.substr(at + 46, name_size);
    const size_t local = At<uint32_t>(zip, at + 42);
    EXPECT_EQ(At<uint32_t>(zip, local), 0x04034b50u);
    EXPECT_EQ(zip.substr(local + 30, name_size), name);
    const std::string content = zip.substr(local + 30 + name_size, size);
    EXPECT_EQ(crc32(0, reinterpret_cast<const Bytef*>(content.data()), size), crc) << name;
    members[name] = content;
    at += 46 + name_size;
  }
  EXPECT_EQ(at, end);
  return members;
}

TEST(ToNpz, HoldsEveryArrayAsNumPyWritesThem) {
  const v1::PolicyVersion version = MakePolicyVersion({.version = 7});
  const auto arrays = ToArrays(version);
  ASSERT_TRUE(arrays.ok()) << arrays.status();
  const auto npz = ToNpz(*arrays);
  ASSERT_TRUE(npz.ok()) << npz.status();
  const auto members = Unzip(*npz);
  EXPECT_EQ(members.size(), arrays->arrays.size() + 6);
  const std::string& weight = members.at("policy/1/weight.npy");
  EXPECT_EQ(weight.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
  const size_t data = 10 + At<uint16_t>(weight, 8);
  EXPECT_EQ(data % 64, 0u);
  EXPECT_EQ(weight[data - 1], '\n');
  EXPECT_NE(weight.find("{'descr': '<f4', 'fortran_order': False, 'shape': (256, 256), }"),
            std::string::npos);
  EXPECT_EQ(weight.substr(data), version.layers(1).weight());
  const std::string& bias = members.at("policy/1/bias.npy");
  EXPECT_NE(bias.find("'shape': (256,), }"), std::string::npos);
  const std::string& number = members.at("version.npy");
  EXPECT_NE(number.find("'<u8'"), std::string::npos);
  EXPECT_EQ(At<uint64_t>(number, number.size() - 8), 7u);
}

TEST(WriteHdf5, HoldsEveryArrayAndTheOrigin) {
  const v1::PolicyVersion version = MakePolicyVersion({.version = 7});
  const std::string path = ::testing::TempDir() + "/policy_export_test.h5";
  const absl::Status written = WriteHdf5(path, *ToArrays(version));
  ASSERT_TRUE(written.ok()) << written;
  const auto file = hdf5::File::Open(path);
  ASSERT_TRUE(file.ok()) << file.status();
  const auto weight = file->Read<float>("/policy/1/weight");
  ASSERT_TRUE(weight.ok()) << weight.status();
  EXPECT_EQ(weight->shape, (hdf5::Shape{256, 256}));
  EXPECT_EQ(weight->values, testing::FromBytes(version.layers(1).weight()));
  EXPECT_EQ(*file->Attribute<uint64_t>("/", "version"), 7u);
  EXPECT_EQ(*file->StringAttribute("/", "sha256"), version.sha256());
}

}  // namespace
}  // namespace estuary::policy
