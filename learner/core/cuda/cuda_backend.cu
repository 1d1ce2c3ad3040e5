// libestuary_cuda.so: the backend on a GPU. Needs the driver's library and nothing else; LibTorch's
// memory and this backend's are of the same context, so a replay's rows are read where they lie.
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "learner/core/cuda/backend.h"
#include "learner/core/cuda/executor.cuh"

namespace estuary::learner::cuda {
namespace {

class CudaBackend : public Backend {
 public:
  ~CudaBackend() override {
    cudaDeviceSynchronize();
    for (cudaGraphExec_t graph : graphs_) cudaGraphExecDestroy(graph);
    for (void* memory : memory_) cudaFree(memory);
    if (meeting_ != nullptr) cudaEventDestroy(meeting_);
    for (cudaStream_t stream : {main_, side_}) {
      if (stream != nullptr) cudaStreamDestroy(stream);
    }
  }

  bool Open() {
    int devices = 0, driver = 0, runtime = 0;
    const cudaError_t found = cudaGetDeviceCount(&devices);
    if (found == cudaErrorInsufficientDriver) {
      cudaDriverGetVersion(&driver);
      cudaRuntimeGetVersion(&runtime);
      char text[256];
      if (driver == 0) {
        std::snprintf(text, sizeof(text), "no CUDA device: this machine has no NVIDIA driver");
      } else {
        std::snprintf(text, sizeof(text),
                      "the NVIDIA driver is of CUDA %d.%d, the library needs %d.%d; install a "
                      "newer driver",
                      driver / 1000, driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10);
      }
      error_ = text;
      return false;
    }
    if (found != cudaSuccess || devices == 0) {
      error_ = std::string("no CUDA device: ") + cudaGetErrorString(found);
      return false;
    }
    // LibTorch's replays lie on device 0.
    cudaDeviceProp properties;
    if (!Good(cudaSetDevice(0)) || !Good(cudaGetDeviceProperties(&properties, 0))) return false;
    name_ = properties.name;
    processors_ = properties.multiProcessorCount;
    if (properties.major < 9) {
      // Only that machine code is in the library.
      error_ = std::string("device ") + properties.name + " has compute capability " +
               std::to_string(properties.major) + "." + std::to_string(properties.minor) +
               ", the library is built for 9.0 and later (ESTUARY_CUDA_ARCHITECTURES)";
      return false;
    }
    // Streams that wait for, and are waited for by, the default one, on which LibTorch appends
    // rows.
    return Good(cudaStreamCreate(&main_)) && Good(cudaStreamCreate(&side_)) &&
           Good(cudaEventCreateWithFlags(&meeting_, cudaEventDisableTiming));
  }

  const char* name() const override { return name_.c_str(); }
  const char* error() const override { return error_.c_str(); }

  void* Allocate(size_t bytes) override {
    void* memory = nullptr;
    if (!Good(cudaMalloc(&memory, bytes))) return nullptr;
    if (!Good(cudaMemsetAsync(memory, 0, bytes, main_))) {
      cudaFree(memory);
      return nullptr;
    }
    memory_.push_back(memory);
    return memory;
  }
  void Free(void* memory) override {
    const auto held = std::find(memory_.begin(), memory_.end(), memory);
    if (held == memory_.end()) return;
    memory_.erase(held);
    cudaStreamSynchronize(main_);
    cudaFree(memory);
  }

  bool Write(void* to, const void* from, size_t bytes) override {
    return Good(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, main_)) &&
           Good(cudaStreamSynchronize(main_));
  }
  bool Read(void* to, const void* from, size_t bytes) override {
    return Good(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, main_)) &&
           Good(cudaStreamSynchronize(main_));
  }

  bool Run(const StepArguments<float>& step) override { return RunSteps(step, 1); }
  bool Run(const StepArguments<double>& step) override { return RunSteps(step, 1); }
  int Record(const StepArguments<float>& step, int steps) override {
    return RecordSteps(step, steps);
  }
  int Record(const StepArguments<double>& step, int steps) override {
    return RecordSteps(step, steps);
  }
  bool Launch(int recorded) override {
    return Good(cudaGraphLaunch(graphs_[static_cast<size_t>(recorded)], main_));
  }

 private:
  bool Good(cudaError_t result) {
    if (result == cudaSuccess) return true;
    error_ = std::string(cudaGetErrorName(result)) + ": " + cudaGetErrorString(result);
    // Forgotten by the runtime, so that it is not taken for a later call's.
    cudaGetLastError();
    return false;
  }

  template <typename T>
  bool RunSteps(const StepArguments<T>& step, int steps) {
    DeviceExecutor executor(main_, side_, meeting_, processors_, step.settings);
    for (int i = 0; i < steps; ++i) RunStep(executor, step);
    return Good(executor.error());
  }

  template <typename T>
  int RecordSteps(const StepArguments<T>& step, int steps) {
    cudaGraph_t graph = nullptr;
    // Other threads may go on using the device.
    if (!Good(cudaStreamBeginCapture(main_, cudaStreamCaptureModeThreadLocal))) return -1;
    const bool ran = RunSteps(step, steps);
    const bool ended = Good(cudaStreamEndCapture(main_, &graph));
    if (!ran || !ended) {
      if (graph != nullptr) cudaGraphDestroy(graph);
      return -1;
    }
    cudaGraphExec_t instance = nullptr;
    const bool made = Good(cudaGraphInstantiate(&instance, graph, 0));
    cudaGraphDestroy(graph);
    if (!made) return -1;
    if (!Good(cudaGraphUpload(instance, main_))) {
      cudaGraphExecDestroy(instance);
      return -1;
    }
    graphs_.push_back(instance);
    return static_cast<int>(graphs_.size()) - 1;
  }

  std::string name_, error_;
  int processors_ = 0;
  cudaStream_t main_ = nullptr, side_ = nullptr;
  cudaEvent_t meeting_ = nullptr;
  std::vector<cudaGraphExec_t> graphs_;
  std::vector<void*> memory_;
};

}  // namespace
}  // namespace estuary::learner::cuda

extern "C" __attribute__((visibility("default"))) estuary::learner::cuda::Backend*
EstuaryCudaBackend(int version, char* error, size_t error_bytes) {
  using estuary::learner::cuda::CudaBackend;
  if (version != estuary::learner::cuda::kBackendVersion) {
    std::snprintf(error, error_bytes, "libestuary_cuda.so is of version %d, the learner of %d",
                  estuary::learner::cuda::kBackendVersion, version);
    return nullptr;
  }
  auto* backend = new CudaBackend;
  if (backend->Open()) return backend;
  std::snprintf(error, error_bytes, "%s", backend->error());
  delete backend;
  return nullptr;
}
