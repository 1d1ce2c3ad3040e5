// Holds one gradient step of every algorithm against golden files of an independent float64
// computation (reference.py).
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "common/hdf5/file.h"
#include "learner/core/config.h"
#include "learner/core/device.h"
#include "learner/trace/update_trace.h"

namespace estuary::learner {
namespace {

constexpr double kRelative = 1e-5;
constexpr double kAbsolute = 1e-6;

std::string Golden(const std::string& name) {
  return std::string(ESTUARY_SOURCE_DIR "/tests/learner/core/golden/") + name;
}

std::string Temporary(const std::string& name) { return testing::TempDir() + "/golden_" + name; }

void CollectDatasets(const hdf5::File& file, const std::string& path,
                     std::vector<std::string>& datasets) {
  if (file.DatasetShape(path).ok()) {
    datasets.push_back(path);
    return;
  }
  const auto names = file.List(path.empty() ? "/" : path);
  ASSERT_TRUE(names.ok()) << names.status();
  for (const std::string& name : *names) CollectDatasets(file, path + "/" + name, datasets);
}

// Every array of `want` is in `got`, equal within the tolerance; nor is there a loss, u, omega or
// gradient more.
void ExpectSameOutputs(const std::string& got_path, const std::string& want_path) {
  const auto got = hdf5::File::Open(got_path);
  const auto want = hdf5::File::Open(want_path);
  ASSERT_TRUE(got.ok()) << got.status();
  ASSERT_TRUE(want.ok()) << want.status();
  std::vector<std::string> wanted, had;
  CollectDatasets(*want, "", wanted);
  CollectDatasets(*got, "", had);
  EXPECT_EQ(had, wanted);
  for (const std::string& path : wanted) {
    const auto a = got->Read<double>(path);
    const auto b = want->Read<double>(path);
    ASSERT_TRUE(a.ok()) << a.status();
    ASSERT_TRUE(b.ok()) << b.status();
    ASSERT_EQ(a->shape, b->shape) << path;
    for (size_t i = 0; i < a->values.size(); ++i) {
      EXPECT_NEAR(a->values[i], b->values[i], kAbsolute + kRelative * std::abs(b->values[i]))
          << path << " element " << i;
    }
  }
}

class GoldenStep : public testing::TestWithParam<std::string> {};

TEST_P(GoldenStep, AgreesWithTheReferenceInFloat64) {
  const std::string out = Temporary(GetParam() + ".out.h5");
  const absl::Status status = RunUpdateTrace(Golden(GetParam() + ".in.h5"), out);
  ASSERT_TRUE(status.ok()) << status;
  ExpectSameOutputs(out, Golden(GetParam() + ".out.h5"));
}

// The golden input of `algorithm` with attributes of the engine that is to run it.
std::string InputFor(const std::string& algorithm, const std::string& engine,
                     const std::string& precision, const std::string& device) {
  const std::string in = Temporary(algorithm + "." + engine + "." + precision + ".in.h5");
  std::filesystem::copy_file(Golden(algorithm + ".in.h5"), in,
                             std::filesystem::copy_options::overwrite_existing);
  auto file = hdf5::File::OpenForWriting(in);
  EXPECT_TRUE(file.ok()) << file.status();
  absl::Status status = file->SetAttribute("/", "precision", absl::string_view(precision));
  status.Update(file->SetAttribute("/", "engine", absl::string_view(engine)));
  if (!device.empty()) {
    status.Update(file->SetAttribute("/", "device", absl::string_view(device)));
  }
  EXPECT_TRUE(status.ok()) << status;
  return in;
}

// Holds `engine` on the CPU against the golden files of `algorithm`.
void ExpectAgreement(const std::string& algorithm, const std::string& engine,
                     const std::string& precision) {
  const std::string out = Temporary(algorithm + "." + engine + "." + precision + ".out.h5");
  const absl::Status status = RunUpdateTrace(InputFor(algorithm, engine, precision, "cpu"), out);
  ASSERT_TRUE(status.ok()) << status;
  ExpectSameOutputs(out, Golden(algorithm + ".out.h5"));
}

TEST_P(GoldenStep, AgreesWithTheReferenceInFloat32) {
  ExpectAgreement(GetParam(), "eager", "float32");
}

TEST_P(GoldenStep, AgreesWithTheReferenceOnTheNativeEngine) {
  ExpectAgreement(GetParam(), "native", "float32");
}

// The graph engine's arithmetic on this machine's processor.
TEST_P(GoldenStep, AgreesWithTheReferenceOnTheGraphEngine) {
  ExpectAgreement(GetParam(), "cuda_graph", "float64");
  ExpectAgreement(GetParam(), "cuda_graph", "float32");
}

TEST_P(GoldenStep, AgreesWithTheReferenceOnTheGpu) {
  const std::string out = Temporary(GetParam() + ".gpu.out.h5");
  const absl::Status status =
      RunUpdateTrace(InputFor(GetParam(), "cuda_graph", "float64", ""), out);
  if (BestDevice() != Device::kCuda) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_NE(status.message().find("CUDA"), absl::string_view::npos) << status;
    return;
  }
  ASSERT_TRUE(status.ok()) << status;
  ExpectSameOutputs(out, Golden(GetParam() + ".out.h5"));
}

INSTANTIATE_TEST_SUITE_P(EveryAlgorithm, GoldenStep, testing::ValuesIn(AlgorithmNames()),
                         [](const auto& info) { return info.param; });

TEST(UpdateTrace, NamesTheFileThatIsMissing) {
  const absl::Status status = RunUpdateTrace("/nowhere/in.h5", Temporary("never.h5"));
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_NE(status.message().find("/nowhere/in.h5"), absl::string_view::npos) << status;
}

TEST(UpdateTrace, NamesTheArrayThatIsMissing) {
  const std::string in = Temporary("incomplete.in.h5");
  {
    auto whole = hdf5::File::Open(Golden("h2o.in.h5"));
    auto part = hdf5::File::Create(in);
    ASSERT_TRUE(whole.ok() && part.ok());
    std::vector<std::string> datasets;
    CollectDatasets(*whole, "", datasets);
    for (const std::string& path : datasets) {
      if (path == "/noise/next_policy") continue;
      const auto array = whole->Read<float>(path);
      ASSERT_TRUE(array.ok());
      ASSERT_TRUE(part->Write<float>(path, array->shape, array->values).ok());
    }
  }
  const absl::Status status = RunUpdateTrace(in, Temporary("never.h5"));
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_NE(status.message().find("noise/next_policy"), absl::string_view::npos) << status;
}

TEST(UpdateTrace, NamesTheEnginesAndDevicesThereAre) {
  const absl::Status engine =
      RunUpdateTrace(InputFor("sac", "jax", "float64", "cpu"), Temporary("never.h5"));
  EXPECT_EQ(engine.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(engine.message().find("cuda_graph"), absl::string_view::npos) << engine;
  const absl::Status device =
      RunUpdateTrace(InputFor("sac", "eager", "float64", "tpu"), Temporary("never.h5"));
  EXPECT_EQ(device.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(device.message().find("cuda"), absl::string_view::npos) << device;
}

TEST(UpdateTrace, ListsTheAlgorithmsThereAre) {
  const std::string in = Temporary("unknown.in.h5");
  std::filesystem::copy_file(Golden("sac.in.h5"), in,
                             std::filesystem::copy_options::overwrite_existing);
  {
    auto file = hdf5::File::OpenForWriting(in);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file->SetAttribute("/", "algorithm", absl::string_view("ddpg")).ok());
  }
  const absl::Status status = RunUpdateTrace(in, Temporary("never.h5"));
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_NE(status.message().find("darc_plus"), absl::string_view::npos) << status;
}

}  // namespace
}  // namespace estuary::learner
