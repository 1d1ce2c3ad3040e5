// What lets one source be a GPU kernel and its twin on the CPU: every piece of the step's
// arithmetic is a function that compiles for both, so that tests without a GPU test the numbers
// that a GPU computes. Only how threads are started differs (host_backend.cc, cuda_backend.cu).
#pragma once

#include <cmath>
#include <cstdint>

#ifdef __CUDACC__
#define ESTUARY_DEVICE __host__ __device__
#else
#define ESTUARY_DEVICE
#endif

namespace estuary::learner::cuda {

template <typename T>
ESTUARY_DEVICE inline T Min(T a, T b) {
  return b < a ? b : a;
}
template <typename T>
ESTUARY_DEVICE inline T Max(T a, T b) {
  return a < b ? b : a;
}
template <typename T>
ESTUARY_DEVICE inline T Clamp(T x, T low, T high) {
  return Min(Max(x, low), high);
}
// NaN where either is, which a comparison would lose.
template <typename T>
ESTUARY_DEVICE inline T MinOfTwins(T a, T b) {
  return a != a || a < b ? a : b;
}
// log(1 + exp(x)), LibTorch's: linear beyond 20.
template <typename T>
ESTUARY_DEVICE inline T Softplus(T x) {
  return x > T(20) ? x : std::log1p(std::exp(x));
}
// a moved towards b, rounded as at::lerp does.
template <typename T>
ESTUARY_DEVICE inline T Lerp(T a, T b, T part) {
  return part < T(0.5) ? a + part * (b - a) : b - (b - a) * (T(1) - part);
}

// `count` numbers loaded or stored as one where the machine can.
template <typename T, int count>
struct alignas(sizeof(T) * count < 16 ? sizeof(T) * count : 16) Pack {
  T values[count];
};

}  // namespace estuary::learner::cuda
