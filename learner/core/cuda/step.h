// One gradient step as a sequence of launches, in the order of algorithms.md. An executor runs them
// (CPU) or records them (GPU):
//
//   Each(functor)      functor(i) for every i below functor.count()
//   Teams(functor)     functor(team, seed), a block of threads for each seed
//   Products(list)     product.h
//   On(branch)         what follows goes to branch 0 or 1
//   Meet(branch)       what follows on `branch` waits for all that is on the other so far
//
// H2O with two hidden layers is 32 launches, of which 17 wait for one another: the discriminators,
// the gap they judge and the critics' gradient on one branch, the policy's on the other. H2O+'s net
// V shares the policy's and the critics' launches, the model of the dynamics the discriminators';
// its samples are one launch more.
#pragma once

#include "learner/core/cuda/critic_stages.h"
#include "learner/core/cuda/discriminator_stages.h"
#include "learner/core/cuda/model_stages.h"
#include "learner/core/cuda/optimizer_stages.h"
#include "learner/core/cuda/policy_stages.h"
#include "learner/core/cuda/prepare.h"
#include "learner/core/cuda/product.h"
#include "learner/core/cuda/step_arguments.h"

namespace estuary::learner::cuda {

// [seeds, twins, rows, columns]: where it is, and the strides of seed, twin and row.
template <typename T>
struct Matrix {
  T* data;
  int seed, twin, row;

  Matrix At(int column) const { return {data + column, seed, twin, row}; }
};

// [seeds, twins, rows, columns] without gaps.
template <typename T>
inline Matrix<T> Dense(T* data, int twins, int rows, int columns) {
  return {data, twins * rows * columns, rows * columns, columns};
}
// [seeds, rows, columns], the same for each twin.
template <typename T>
inline Matrix<T> Shared(T* data, int rows, int columns) {
  return {data, rows * columns, 0, columns};
}

// Builds the products of one net.
template <typename T>
class NetProducts {
 public:
  NetProducts(int seeds, const NetLayout& net, const GroupBuffers<T>& group, const Pass<T>& pass)
      : seeds_(seeds), net_(net), group_(group), pass_(pass) {}

  // `input` is the net's.
  Product<T> Forward(int layer, Matrix<T> input) const {
    const int in = net_.sizes[layer], out = net_.sizes[layer + 1];
    Product<T> p = Start(pass_.rows, out, in, Output(layer));
    SetA(p, layer == 0 ? input : Output(layer - 1));
    p.b = group_.values + net_.weight[layer];
    p.b_row = 1;
    p.b_column = in;
    p.b_seed = group_.size;
    p.b_twin = in * out;
    p.bias = group_.values + net_.bias[layer];
    p.bias_seed = group_.size;
    p.bias_twin = out;
    p.relu = layer + 1 < net_.layers;
    return p;
  }

  // The gradients of a layer's weight and bias from that of its output.
  Product<T> WeightGradient(int layer, Matrix<T> input) const {
    const int in = net_.sizes[layer], out = net_.sizes[layer + 1];
    const Matrix<T> x = layer == 0 ? input : Output(layer - 1);
    const Matrix<T> dy = Gradient(layer);
    Product<T> p = Start(out, in, pass_.rows,
                         {group_.gradient + net_.weight[layer], group_.size, in * out, in});
    p.a = dy.data;
    p.a_row = 1;
    p.a_column = dy.row;
    p.a_seed = dy.seed;
    p.a_twin = dy.twin;
    p.b = x.data;
    p.b_row = x.row;
    p.b_column = 1;
    p.b_seed = x.seed;
    p.b_twin = x.twin;
    p.bias_gradient = group_.gradient + net_.bias[layer];
    p.bias_seed = group_.size;
    p.bias_twin = out;
    return p;
  }

  // The gradient of the layer before's output, through its ReLU.
  Product<T> InputGradient(int layer) const {
    Product<T> p = Back(layer, 0, net_.sizes[layer], Gradient(layer - 1));
    p.mask = Output(layer - 1).data;
    return p;
  }
  // The gradient of columns [first, first + count) of the net's input.
  Product<T> NetInputGradient(int first, int count, Matrix<T> gradient) const {
    return Back(0, first, count, gradient);
  }

 private:
  Matrix<T> Output(int layer) const {
    return Dense(pass_.outputs[layer], net_.twins, pass_.rows, net_.sizes[layer + 1]);
  }
  Matrix<T> Gradient(int layer) const {
    return Dense(pass_.gradients[layer], net_.twins, pass_.rows, net_.sizes[layer + 1]);
  }

  Product<T> Start(int m, int n, int k, Matrix<T> c) const {
    Product<T> p = {};
    p.m = m;
    p.n = n;
    p.k = k;
    p.seeds = seeds_;
    p.twins = net_.twins;
    p.c = c.data;
    p.c_row = c.row;
    p.c_seed = c.seed;
    p.c_twin = c.twin;
    return p;
  }
  static void SetA(Product<T>& p, Matrix<T> x) {
    p.a = x.data;
    p.a_row = x.row;
    p.a_column = 1;
    p.a_seed = x.seed;
    p.a_twin = x.twin;
  }
  Product<T> Back(int layer, int first, int count, Matrix<T> c) const {
    const int in = net_.sizes[layer], out = net_.sizes[layer + 1];
    Product<T> p = Start(pass_.rows, count, out, c);
    SetA(p, Gradient(layer));
    p.b = group_.values + net_.weight[layer] + first;
    p.b_row = in;
    p.b_column = 1;
    p.b_seed = group_.size;
    p.b_twin = in * out;
    return p;
  }

  int seeds_;
  const NetLayout& net_;
  const GroupBuffers<T>& group_;
  const Pass<T>& pass_;
};

// Backward through a net that is trained, from the gradient of its last output.
template <typename T, typename Executor>
void Backward(Executor& executor, const std::initializer_list<NetProducts<T>>& nets,
              const std::initializer_list<Matrix<T>>& inputs, int layers) {
  for (int layer = layers - 1; layer >= 0; --layer) {
    ProductList<T> list;
    auto input = inputs.begin();
    for (const NetProducts<T>& net : nets) {
      list.Add(net.WeightGradient(layer, *input++));
      if (layer > 0) list.Add(net.InputGradient(layer));
    }
    executor.Products(list);
  }
}

template <typename T, typename Executor>
void TrainDiscriminators(Executor& executor, const StepArguments<T>& s) {
  const StepSettings& c = s.settings;
  const NetProducts<T> sa(c.seeds, s.sa, s.discriminators, s.sa_pass);
  const NetProducts<T> sas(c.seeds, s.sas, s.discriminators, s.sas_pass);
  const NetProducts<T> model(c.seeds, s.model, s.model_group, s.model_pass);
  const Matrix<T> inputs = Shared(s.discriminator_inputs, 2 * c.discriminator_rows, c.sas);
  const Matrix<T> simulated = Shared(s.rows + int64_t{c.real} * c.width, c.rows(), c.width);
  for (int layer = 0; layer < s.sa.layers || layer < s.model.layers; ++layer) {
    ProductList<T> list;
    if (layer < s.sa.layers) {
      list.Add(sa.Forward(layer, inputs));
      list.Add(sas.Forward(layer, inputs));
    }
    if (layer < s.model.layers) list.Add(model.Forward(layer, simulated));
    executor.Products(list);
  }
  if (c.modelled) executor.Each(SampledNextStates<T>{s});
  executor.Teams(DiscriminatorLoss<T>{s});
  Backward(executor, {sa, sas}, {inputs, inputs}, s.sa.layers);
  executor.Each(DiscriminatorAdam<T>{s});
  if (c.exact + c.noisy == 0) return;
  const NetProducts<T> dynamics(c.seeds, s.sas, s.discriminators, s.dynamics_pass);
  for (int layer = 0; layer < s.sas.layers; ++layer) {
    ProductList<T> list;
    list.Add(dynamics.Forward(layer, Shared(s.dynamics_inputs, s.dynamics_pass.rows, c.sas)));
    executor.Products(list);
  }
}

// The nets that both the critics' and the policy's losses look at, of which each takes some.
template <typename T>
struct Evaluation {
  explicit Evaluation(const StepArguments<T>& s)
      : policy(s.settings.seeds, s.policy, s.main, s.policy_pass),
        next_policy(s.settings.seeds, s.policy, s.main, s.next_policy_pass),
        critics(s.settings.seeds, s.critics, s.main, s.critic_pass),
        judges(s.settings.seeds, s.critics, s.main, s.policy_critic_pass),
        targets(s.settings.seeds, s.targets, s.target_group, s.target_pass),
        value(s.settings.seeds, s.value, s.main, s.value_pass),
        next_value(s.settings.seeds, s.value, s.main, s.next_value_pass),
        states(Shared(s.rows, s.settings.rows(), s.settings.width)),
        critic_inputs(
            Shared(s.critic_inputs, s.q_rows, s.settings.observation + s.settings.action)) {}

  // Judges are the critics at the policy's own actions.
  NetProducts<T> policy, next_policy, critics, judges, targets, value, next_value;
  Matrix<T> states, critic_inputs;
};

// The policy and V at s and s', every critic at every action, and the policy's loss.
template <typename T, typename Executor>
void Evaluate(Executor& executor, const StepArguments<T>& s, const Evaluation<T>& nets) {
  const int rows = s.settings.rows(), sa = s.settings.observation + s.settings.action;
  for (int layer = 0; layer < s.policy.layers; ++layer) {
    ProductList<T> list;
    list.Add(nets.policy.Forward(layer, nets.states));
    list.Add(nets.next_policy.Forward(layer, nets.states.At(sa)));
    // V has the policy's hidden layers.
    if (s.settings.has_value) {
      list.Add(nets.value.Forward(layer, nets.states));
      list.Add(nets.next_value.Forward(layer, nets.states.At(sa)));
    }
    executor.Products(list);
  }
  executor.Each(PolicyActions<T>{s});
  for (int layer = 0; layer < s.critics.layers; ++layer) {
    ProductList<T> list;
    list.Add(nets.judges.Forward(layer, Shared(s.policy_inputs, rows, sa)));
    list.Add(nets.critics.Forward(layer, nets.critic_inputs));
    list.Add(nets.targets.Forward(layer, Shared(s.target_inputs, s.target_rows, sa)));
    executor.Products(list);
  }
  executor.Teams(PolicyLoss<T>{s});
}

template <typename T, typename Executor>
void DifferentiatePolicy(Executor& executor, const StepArguments<T>& s, const Evaluation<T>& nets) {
  const StepSettings& c = s.settings;
  for (int layer = s.critics.layers - 1; layer >= 0; --layer) {
    ProductList<T> list;
    list.Add(layer > 0
                 ? nets.judges.InputGradient(layer)
                 : nets.judges.NetInputGradient(c.observation, c.action,
                                                Dense(s.action_gradient, 2, c.rows(), c.action)));
    executor.Products(list);
  }
  executor.Teams(PolicyHeadGradient<T>{s});
  Backward(executor, {nets.policy}, {nets.states}, s.policy.layers);
}

template <typename T, typename Executor>
void RunStep(Executor& executor, const StepArguments<T>& s) {
  const Evaluation<T> nets(s);
  executor.On(0);
  executor.Each(Prepare<T>{s});
  executor.Meet(1);
  executor.On(1);
  if (s.settings.discriminator_rows > 0) TrainDiscriminators(executor, s);
  executor.On(0);
  Evaluate(executor, s, nets);
  executor.Meet(1);
  executor.On(1);
  executor.Teams(CriticLoss<T>{s});
  if (s.settings.has_value) {
    Backward(executor, {nets.critics, nets.value}, {nets.critic_inputs, nets.states},
             s.critics.layers);
  } else {
    Backward(executor, {nets.critics}, {nets.critic_inputs}, s.critics.layers);
  }
  executor.On(0);
  DifferentiatePolicy(executor, s, nets);
  executor.Meet(0);
  executor.Each(MainAdam<T>{s});
}

}  // namespace estuary::learner::cuda
