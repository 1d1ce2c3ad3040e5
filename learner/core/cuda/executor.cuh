// How a GPU runs the launches of a step (step.h): kernels around the same functors that the CPU
// calls, on two streams while a graph is recorded.
#pragma once

#include <cuda_runtime.h>

#include "learner/core/cuda/step.h"

namespace estuary::learner::cuda {

inline constexpr int kEachThreads = 256;
inline constexpr int kTeamThreads = 256;

// A block of threads; every thread calls every function, in the same order.
class DeviceTeam {
 public:
  template <typename Function>
  ESTUARY_DEVICE void ForEach(int64_t count, Function function) {
#ifdef __CUDA_ARCH__
    for (int64_t i = threadIdx.x; i < count; i += kTeamThreads) function(i);
    __syncthreads();
#endif
  }

  template <typename T, typename Function>
  ESTUARY_DEVICE T Sum(int64_t count, Function function) {
    T mine = 0;
#ifdef __CUDA_ARCH__
    for (int64_t i = threadIdx.x; i < count; i += kTeamThreads) mine += function(i);
    mine = Reduce(mine, [](T a, T b) { return a + b; });
#endif
    return mine;
  }

  template <typename T, typename Function>
  ESTUARY_DEVICE T Greatest(int64_t count, Function function) {
    T mine = static_cast<T>(-INFINITY);
#ifdef __CUDA_ARCH__
    for (int64_t i = threadIdx.x; i < count; i += kTeamThreads) {
      mine = Max(mine, static_cast<T>(function(i)));
    }
    mine = Reduce(mine, [](T a, T b) { return Max(a, b); });
#endif
    return mine;
  }

  template <typename Function>
  ESTUARY_DEVICE void Once(Function function) {
#ifdef __CUDA_ARCH__
    if (threadIdx.x == 0) function();
    __syncthreads();
#endif
  }

 private:
#ifdef __CUDA_ARCH__
  // Of every thread's number, in every thread; always in the same order.
  template <typename T, typename Combine>
  __device__ T Reduce(T mine, Combine combine) {
    constexpr int kWarps = kTeamThreads / 32;
    __shared__ T of_warps[kWarps];
    for (int distance = 16; distance > 0; distance /= 2) {
      mine = combine(mine, __shfl_xor_sync(0xffffffffu, mine, distance));
    }
    if (threadIdx.x % 32 == 0) of_warps[threadIdx.x / 32] = mine;
    __syncthreads();
    T all = of_warps[0];
    for (int i = 1; i < kWarps; ++i) all = combine(all, of_warps[i]);
    // Nobody writes the next sum's numbers while these are read.
    __syncthreads();
    return all;
  }
#endif
};

template <typename Functor>
__global__ void __launch_bounds__(kEachThreads)
    EachKernel(const __grid_constant__ Functor functor, int64_t count) {
  const int64_t i = int64_t{blockIdx.x} * kEachThreads + threadIdx.x;
  if (i < count) functor(i);
}

template <typename Functor>
__global__ void __launch_bounds__(kTeamThreads)
    TeamKernel(const __grid_constant__ Functor functor) {
  DeviceTeam team;
  functor(team, static_cast<int>(blockIdx.x));
}

// Block b computes one tile: the products' tiles follow one another.
template <typename T, typename Shape, Arithmetic arithmetic>
__global__ void __launch_bounds__(Shape::threads)
    ProductKernel(const __grid_constant__ ProductList<T> list) {
  using Tile = ProductTile<T, Shape, arithmetic>;
  __shared__ typename Tile::Shared shared;
  int item = 0, tile = static_cast<int>(blockIdx.x);
  for (; item + 1 < list.count; ++item) {
    const int tiles = TilesOf(list.items[item], Shape::rows, Shape::columns);
    if (tile < tiles) break;
    tile -= tiles;
  }
  const Tile product(list.items[item], tile);
  const int thread = static_cast<int>(threadIdx.x), rounds = product.rounds();
  typename Tile::Registers registers;
  product.Fetch(thread, 0, registers);
  for (int round = 0; round < rounds; ++round) {
    product.Store(thread, registers, shared);
    __syncthreads();
    // On its way while this round computes.
    if (round + 1 < rounds) product.Fetch(thread, round + 1, registers);
    product.Compute(thread, shared, registers);
    __syncthreads();
  }
  product.Finish(thread, registers);
}

// Keeps the first error; launches nothing after it.
class DeviceExecutor {
 public:
  // Two streams and an event of the backend's; `processors` to choose tiles for.
  DeviceExecutor(cudaStream_t main, cudaStream_t side, cudaEvent_t meeting, int processors,
                 const StepSettings& settings)
      : streams_{main, side},
        meeting_(meeting),
        processors_(processors),
        seeds_(settings.seeds),
        arithmetic_(settings.arithmetic) {}

  cudaError_t error() const { return error_; }

  template <typename Functor>
  void Each(const Functor& functor) {
    const int64_t count = functor.count();
    if (count == 0 || error_ != cudaSuccess) return;
    const unsigned blocks = static_cast<unsigned>((count + kEachThreads - 1) / kEachThreads);
    EachKernel<<<blocks, kEachThreads, 0, streams_[branch_]>>>(functor, count);
    Launched();
  }

  template <typename Functor>
  void Teams(const Functor& functor) {
    if (error_ != cudaSuccess) return;
    TeamKernel<<<static_cast<unsigned>(seeds_), kTeamThreads, 0, streams_[branch_]>>>(functor);
    Launched();
  }

  template <typename T>
  void Products(const ProductList<T>& list) {
    constexpr Arithmetic kPlain = Arithmetic::kPlain;
    if constexpr (std::is_same_v<T, float>) {
      if (arithmetic_ == Arithmetic::kTensor1) {
        return Launch<TensorTile, Arithmetic::kTensor1>(list);
      }
      if (arithmetic_ == Arithmetic::kTensor3) {
        return Launch<TensorTile, Arithmetic::kTensor3>(list);
      }
    }
    // The largest tile that leaves no processor idle.
    if (Blocks<LargeTile>(list) >= 2 * processors_) return Launch<LargeTile, kPlain>(list);
    if (Blocks<MediumTile>(list) >= 2 * processors_) return Launch<MediumTile, kPlain>(list);
    Launch<SmallTile, kPlain>(list);
  }

  void On(int branch) { branch_ = branch; }
  void Meet(int branch) {
    Keep(cudaEventRecord(meeting_, streams_[1 - branch]));
    Keep(cudaStreamWaitEvent(streams_[branch], meeting_, 0));
  }

 private:
  template <typename Shape, typename T>
  static int Blocks(const ProductList<T>& list) {
    int blocks = 0;
    for (int i = 0; i < list.count; ++i) {
      blocks += TilesOf(list.items[i], Shape::rows, Shape::columns);
    }
    return blocks;
  }
  template <typename Shape, Arithmetic arithmetic, typename T>
  void Launch(const ProductList<T>& list) {
    if (error_ != cudaSuccess) return;
    const unsigned blocks = static_cast<unsigned>(Blocks<Shape>(list));
    ProductKernel<T, Shape, arithmetic><<<blocks, Shape::threads, 0, streams_[branch_]>>>(list);
    Launched();
  }
  void Launched() { Keep(cudaGetLastError()); }
  void Keep(cudaError_t result) {
    if (error_ == cudaSuccess) error_ = result;
  }

  cudaStream_t streams_[2];
  cudaEvent_t meeting_;
  int processors_;
  int seeds_;
  Arithmetic arithmetic_;
  int branch_ = 0;
  cudaError_t error_ = cudaSuccess;
};

}  // namespace estuary::learner::cuda
