// The inner loop of inference, once for every kind of processor it is compiled for.
//
// One call computes output = input W^T + bias for a batch of rows, with ReLU where asked. Every
// output is a sum over the inputs in their order, so a row's bits depend neither on the batch it
// came in nor on the number of rows; kernels with fused multiply-add (all but the generic one on
// x86-64) agree bit for bit. A kernel's source includes nothing of the standard library: inline
// functions compiled for a newer processor must not leak into the rest of the program.
#pragma once

namespace estuary::policy {

struct DenseCall {
  const float* input;
  int input_stride;
  int rows;
  int inputs;
  // Panels of `vectors` * lanes outputs: weight [panels][inputs][vectors * lanes], bias
  // [panels][vectors * lanes], zero beyond the layer's outputs.
  const float* weight;
  const float* bias;
  int panels;
  int vectors;
  bool relu;
  // [rows, output_stride], output_stride >= panels * vectors * lanes.
  float* output;
  int output_stride;
};

struct Kernel {
  const char* name;
  // Floats in a vector register, and the most of them in a panel.
  int lanes;
  int max_vectors;
  void (*dense)(const DenseCall& call);
};

}  // namespace estuary::policy
