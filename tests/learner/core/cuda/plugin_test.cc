// What a machine says that cannot use a GPU.
#include "learner/core/cuda/plugin.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "learner/core/device.h"

namespace estuary::learner::cuda {
namespace {

class NamedLibrary {
 public:
  explicit NamedLibrary(const std::string& path) {
    setenv("ESTUARY_CUDA_LIBRARY", path.c_str(), /*overwrite=*/1);
  }
  ~NamedLibrary() { unsetenv("ESTUARY_CUDA_LIBRARY"); }
};

void ExpectRefusal(const std::string& because) {
  const auto backend = OpenCudaBackend();
  ASSERT_EQ(backend.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(backend.status().message().find(because), absl::string_view::npos) << backend.status();
}

TEST(CudaLibrary, IsNamedWhereItIsMissing) {
  const NamedLibrary library("/nowhere/libestuary_cuda.so");
  ExpectRefusal("/nowhere/libestuary_cuda.so");
}

TEST(CudaLibrary, IsNamedWhereItIsAnother) {
  const NamedLibrary library("libm.so.6");
  ExpectRefusal("libm.so.6 is not of this project");
}

TEST(CudaLibrary, IsNamedWhereItIsBroken) {
  const std::string path = testing::TempDir() + "/broken_estuary_cuda.so";
  std::ofstream(path) << "no library";
  const NamedLibrary library(path);
  ExpectRefusal(path);
}

#ifdef ESTUARY_HAVE_CUDA
TEST(CudaLibrary, SaysThatThereIsNoGpu) {
  if (BestDevice() == Device::kCuda) GTEST_SKIP() << "there is a GPU";
  ExpectRefusal("no CUDA device");
  ExpectRefusal("set device to CPU");
}
#endif

}  // namespace
}  // namespace estuary::learner::cuda
