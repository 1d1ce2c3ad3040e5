#include "common/policy/export/onnx_model.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "common/policy/export/arrays.h"
#include "common/process/status.h"
#include "onnx.pb.h"

namespace estuary::policy {
namespace {

// Clip and Split take their bounds as inputs since 11 and 13; every runtime of the last years knows
// it.
constexpr int64_t kOpset = 13;

class Graph {
 public:
  explicit Graph(onnx::GraphProto* graph) : graph_(*graph) {}

  // Returns the name of the node's output.
  std::string Node(const std::string& op, const std::vector<std::string>& inputs,
                   const std::string& output) {
    onnx::NodeProto& node = *graph_.add_node();
    node.set_op_type(op);
    node.set_name(absl::StrCat(op, "_", graph_.node_size() - 1));
    for (const std::string& input : inputs) node.add_input(input);
    node.add_output(output);
    return output;
  }

  void Attribute(const std::string& name, int64_t value) {
    onnx::AttributeProto& attribute = *graph_.mutable_node(graph_.node_size() - 1)->add_attribute();
    attribute.set_name(name);
    attribute.set_type(onnx::AttributeProto::INT);
    attribute.set_i(value);
  }

  void SecondOutput(const std::string& output) {
    graph_.mutable_node(graph_.node_size() - 1)->add_output(output);
  }

  void Constant(const std::string& name, const std::vector<uint64_t>& shape,
                const std::vector<float>& values) {
    onnx::TensorProto& tensor = Tensor(name, onnx::TensorProto::FLOAT, shape);
    tensor.set_raw_data(values.data(), values.size() * sizeof(float));
  }

  void Integers(const std::string& name, const std::vector<int64_t>& values) {
    onnx::TensorProto& tensor = Tensor(name, onnx::TensorProto::INT64, {values.size()});
    tensor.set_raw_data(values.data(), values.size() * sizeof(int64_t));
  }

  static void Matrix(onnx::ValueInfoProto* value, const std::string& name, uint64_t columns) {
    value->set_name(name);
    onnx::TypeProto::Tensor& type = *value->mutable_type()->mutable_tensor_type();
    type.set_elem_type(onnx::TensorProto::FLOAT);
    type.mutable_shape()->add_dim()->set_dim_param("batch");
    type.mutable_shape()->add_dim()->set_dim_value(static_cast<int64_t>(columns));
  }

 private:
  onnx::TensorProto& Tensor(const std::string& name, onnx::TensorProto::DataType type,
                            const std::vector<uint64_t>& shape) {
    onnx::TensorProto& tensor = *graph_.add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(type);
    for (const uint64_t size : shape) tensor.add_dims(static_cast<int64_t>(size));
    return tensor;
  }

  onnx::GraphProto& graph_;
};

void AddMetadata(onnx::ModelProto& model, const std::string& key, const std::string& value) {
  onnx::StringStringEntryProto& entry = *model.add_metadata_props();
  entry.set_key(key);
  entry.set_value(value);
}

}  // namespace

absl::StatusOr<std::string> ToOnnx(const v1::PolicyVersion& version) {
  ESTUARY_ASSIGN_OR_RETURN(const PolicyArrays policy, ToArrays(version));
  const uint64_t action_dim = version.action_dim();
  onnx::ModelProto model;
  model.set_ir_version(onnx::IR_VERSION_2020_5_8);
  model.set_producer_name("estuary");
  model.set_doc_string(absl::StrCat("Policy of task ", version.task(),
                                    ": action = tanh(mean); to sample, tanh(mean + exp(log_std) * "
                                    "noise) with standard normal noise."));
  onnx::OperatorSetIdProto& opset = *model.add_opset_import();
  opset.set_domain("");
  opset.set_version(kOpset);
  for (const auto& [name, value] : policy.numbers) AddMetadata(model, name, absl::StrCat(value));
  for (const auto& [name, text] : policy.texts) AddMetadata(model, name, text);

  model.mutable_graph()->set_name("policy");
  Graph graph(model.mutable_graph());
  for (const NamedArray& array : policy.arrays) {
    graph.Constant(array.name, array.shape, array.values);
  }
  graph.Integers("head_sizes",
                 {static_cast<int64_t>(action_dim), static_cast<int64_t>(action_dim)});
  Graph::Matrix(model.mutable_graph()->add_input(), "observation", version.observation_dim());
  for (const char* output : {"action", "mean", "log_std"}) {
    Graph::Matrix(model.mutable_graph()->add_output(), output, action_dim);
  }

  std::string x = graph.Node("Sub", {"observation", "observation_mean"}, "shifted");
  x = graph.Node("Mul", {x, "observation_scale"}, "scaled");
  for (int i = 0; i < version.layers_size(); ++i) {
    const std::string layer = absl::StrCat("policy/", i);
    x = graph.Node("Gemm", {x, layer + "/weight", layer + "/bias"}, layer + "/sum");
    graph.Attribute("transB", 1);
    if (i + 1 < version.layers_size()) x = graph.Node("Relu", {x}, layer + "/hidden");
  }
  graph.Node("Split", {x, "head_sizes"}, "mean");
  graph.SecondOutput("raw");
  graph.Attribute("axis", 1);
  graph.Node("Tanh", {"mean"}, "action");
  x = graph.Node("Mul", {"raw", "policy/log_std_multiplier"}, "multiplied");
  x = graph.Node("Add", {x, "policy/log_std_offset"}, "offset");
  graph.Node("Clip", {x, "policy/log_std_min", "policy/log_std_max"}, "log_std");

  std::string bytes;
  if (!model.SerializeToString(&bytes)) {
    return absl::ResourceExhaustedError("the policy is too large for an ONNX file (2 GiB)");
  }
  return bytes;
}

}  // namespace estuary::policy
