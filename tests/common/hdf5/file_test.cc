#include "common/hdf5/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <numeric>

namespace estuary::hdf5 {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const char kGolden[] = ESTUARY_SOURCE_DIR "/tests/common/hdf5/golden/h5py.h5";

const char kHuge[] = ESTUARY_SOURCE_DIR "/tests/common/hdf5/golden/huge.h5";

std::string TempPath() {
  return ::testing::TempDir() + "estuary_" +
         ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".h5";
}

File CreateTemp() {
  absl::StatusOr<File> file = File::Create(TempPath());
  EXPECT_TRUE(file.ok()) << file.status();
  return *std::move(file);
}

template <typename T>
absl::Span<const T> Values(const std::vector<T>& values) {
  return values;
}

#define EXPECT_ERROR(expression, status_code, text)                        \
  do {                                                                     \
    const absl::Status status = (expression);                              \
    EXPECT_EQ(status.code(), absl::StatusCode::status_code) << status;     \
    EXPECT_THAT(std::string(status.message()), HasSubstr(text)) << status; \
  } while (false)

TEST(File, ReadsBackWhatItWroteAfterReopening) {
  {
    File file = CreateTemp();
    ASSERT_TRUE(file.Write<double>("/a/b/matrix", {2, 3}, {1, 2, 3, 4, 5, 6}).ok());
    ASSERT_TRUE(file.WriteScalar<int64_t>("/count", -7).ok());
    ASSERT_TRUE(file.Write<float>("/empty", {0, 4}, {}).ok());
    ASSERT_TRUE(file.Close().ok());
  }
  absl::StatusOr<File> file = File::Open(TempPath());
  ASSERT_TRUE(file.ok()) << file.status();
  const auto matrix = file->Read<double>("/a/b/matrix");
  ASSERT_TRUE(matrix.ok()) << matrix.status();
  EXPECT_THAT(matrix->shape, ElementsAre(2, 3));
  EXPECT_THAT(matrix->values, ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(file->Read<int64_t>("/count")->values, ElementsAre(-7));
  EXPECT_THAT(file->Read<float>("/empty")->shape, ElementsAre(0, 4));
  EXPECT_THAT(*file->List("/"), ElementsAre("a", "count", "empty"));
  EXPECT_THAT(*file->List("/a/b"), ElementsAre("matrix"));
}

TEST(File, ReadsFilesOfH5py) {
  absl::StatusOr<File> file = File::Open(kGolden);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(*file->StringAttribute("/", "task"), "half_cheetah");
  EXPECT_EQ(*file->StringAttribute("/", "bytes"), "fixed");
  EXPECT_EQ(*file->Attribute<double>("/", "discount"), 0.99);
  EXPECT_EQ(*file->Attribute<uint8_t>("/", "backup_entropy"), 1);
  EXPECT_THAT(file->AttributeArray<float>("/", "scale")->values, ElementsAre(5, 1, 2));
  std::vector<float> rows(6);
  ASSERT_TRUE(file->ReadRows<float>("/observations", 15, 2, absl::MakeSpan(rows)).ok());
  EXPECT_THAT(rows, ElementsAre(45, 46, 47, 48, 49, 50));
  const auto terminals = file->Read<uint8_t>("/terminals");
  ASSERT_TRUE(terminals.ok()) << terminals.status();
  EXPECT_EQ(std::accumulate(terminals->values.begin(), terminals->values.end(), 0), 10);
  EXPECT_EQ(terminals->values[9], 1);
}

TEST(File, ConvertsNumbersButNeverAFractionToAnInteger) {
  File file = CreateTemp();
  ASSERT_TRUE(file.Write<double>("/d", {2}, {0.5, 1.5}).ok());
  ASSERT_TRUE(file.Write<uint8_t>("/u", {2}, {3, 255}).ok());
  EXPECT_THAT(file.Read<float>("/d")->values, ElementsAre(0.5f, 1.5f));
  EXPECT_THAT(file.Read<double>("/u")->values, ElementsAre(3, 255));
  EXPECT_ERROR(file.Read<int32_t>("/d").status(), kInvalidArgument,
               "/d holds float64, expected integers");
  absl::StatusOr<File> golden = File::Open(kGolden);
  EXPECT_ERROR(golden->Read<float>("/metadata/algorithm").status(), kInvalidArgument,
               "holds string, expected numbers");
}

TEST(File, StreamsRowsBothWays) {
  File file = CreateTemp();
  ASSERT_TRUE(file.CreateAppendable<float>("/rows", {3}, {.chunk_rows = 7, .compression = 4}).ok());
  std::vector<float> expected;
  for (int block = 0; block < 20; ++block) {
    std::vector<float> values(3 * block);
    std::iota(values.begin(), values.end(), 100.f * block);
    ASSERT_TRUE(file.Append<float>("/rows", Values(values)).ok());
    expected.insert(expected.end(), values.begin(), values.end());
  }
  EXPECT_THAT(*file.DatasetShape("/rows"), ElementsAre(190, 3));
  std::vector<float> read;
  for (uint64_t first = 0; first < 190; first += 19) {
    std::vector<float> values(57);
    ASSERT_TRUE(file.ReadRows<float>("/rows", first, 19, absl::MakeSpan(values)).ok());
    read.insert(read.end(), values.begin(), values.end());
  }
  EXPECT_EQ(read, expected);
  ASSERT_TRUE(file.WriteRows<float>("/rows", 1, 1, {-1, -2, -3}).ok());
  std::vector<float> row(3);
  ASSERT_TRUE(file.ReadRows<float>("/rows", 1, 1, absl::MakeSpan(row)).ok());
  EXPECT_THAT(row, ElementsAre(-1, -2, -3));
}

TEST(File, RefusesRowsThatAreNotThereOrDoNotFit) {
  File file = CreateTemp();
  ASSERT_TRUE(file.CreateAppendable<float>("/rows", {3}).ok());
  ASSERT_TRUE(file.Append<float>("/rows", {1, 2, 3, 4, 5, 6}).ok());
  std::vector<float> values(6);
  EXPECT_ERROR(file.ReadRows<float>("/rows", 1, 2, absl::MakeSpan(values)), kOutOfRange,
               "/rows has 2 rows, wanted 2 from row 1");
  EXPECT_ERROR(file.ReadRows<float>("/rows", ~uint64_t{0}, 2, absl::MakeSpan(values)), kOutOfRange,
               "has 2 rows");
  EXPECT_ERROR(file.ReadRows<float>("/rows", 0, 1, absl::MakeSpan(values)), kInvalidArgument,
               "1 rows are [1, 3], got room for 6 values");
  EXPECT_ERROR(file.Append<float>("/rows", {1, 2}), kInvalidArgument,
               "got 2 values, which are not whole rows");
  EXPECT_ERROR(file.Append<double>("/rows", {1, 2, 3}), kInvalidArgument,
               "holds float32, got float64");
  ASSERT_TRUE(file.Write<float>("/fixed", {1, 3}, {1, 2, 3}).ok());
  EXPECT_ERROR(file.Append<float>("/fixed", {1, 2, 3}), kFailedPrecondition,
               "was it made appendable?");
}

TEST(File, NamesBothShapes) {
  absl::StatusOr<File> file = File::Open(kGolden);
  EXPECT_TRUE(file->ExpectShape("/observations", {kAnySize, 3}).ok());
  EXPECT_ERROR(file->Read<float>("/observations", {kAnySize, 17}).status(), kInvalidArgument,
               "h5py.h5:/observations has shape [100, 3], expected [?, 17]");
  File written = CreateTemp();
  EXPECT_ERROR(written.Write<float>("/x", {2, 2}, {1, 2, 3}), kInvalidArgument,
               "/x of shape [2, 2] cannot hold 3 values");
}

TEST(File, NamesWhatIsMissing) {
  EXPECT_ERROR(File::Open("/nowhere/x.h5").status(), kNotFound, "there is no file /nowhere/x.h5");
  EXPECT_ERROR(File::Create("/nowhere/x.h5").status(), kFailedPrecondition, "/nowhere/x.h5");
  absl::StatusOr<File> file = File::Open(kGolden);
  EXPECT_ERROR(file->Read<float>("/actions").status(), kNotFound,
               "h5py.h5:/actions; the file's root holds: metadata, observations, terminals");
  EXPECT_ERROR(file->List("/nothing").status(), kNotFound, "/nothing");
  EXPECT_ERROR(file->Attribute<double>("/", "tau").status(), kNotFound, "no attribute 'tau' of");
  EXPECT_FALSE(file->Exists("/metadata/none/deeper"));
  EXPECT_TRUE(file->Exists("/metadata/algorithm"));
  EXPECT_TRUE(file->Exists("/"));
}

TEST(File, RefusesAFileThatIsNotHdf5OrCutOff) {
  const std::string path = TempPath();
  std::ofstream(path) << "observations,actions\n";
  EXPECT_ERROR(File::Open(path).status(), kInvalidArgument, "does not open as HDF5");
  std::ifstream golden(kGolden, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(golden)), std::istreambuf_iterator<char>());
  std::ofstream(path, std::ios::binary) << bytes.substr(0, bytes.size() / 2);
  EXPECT_ERROR(File::Open(path).status(), kInvalidArgument, "does not open as HDF5");
}

TEST(File, RefusesAShapeThatItsBytesCannotFill) {
  absl::StatusOr<File> file = File::Open(kHuge);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_ERROR(file->Read<float>("/rows").status(), kDataLoss, "claims shape [1000000000000, 3]");
}

TEST(File, RefusesToWriteWhereItMayNot) {
  absl::StatusOr<File> golden = File::Open(kGolden);
  EXPECT_ERROR(golden->WriteScalar<float>("/x", 1), kFailedPrecondition, "open for reading only");
  File file = CreateTemp();
  ASSERT_TRUE(file.WriteScalar<float>("/x", 1).ok());
  EXPECT_ERROR(file.WriteScalar<float>("/x", 2), kAlreadyExists, "/x is there already");
  ASSERT_TRUE(file.Close().ok());
  EXPECT_ERROR(file.WriteScalar<float>("/y", 1), kFailedPrecondition, "is closed");
  EXPECT_ERROR(file.Read<float>("/x").status(), kFailedPrecondition, "is closed");
}

TEST(File, KeepsAttributesOfEveryKind) {
  {
    File file = CreateTemp();
    ASSERT_TRUE(file.WriteScalar<float>("/x", 1).ok());
    ASSERT_TRUE(file.SetAttribute("/x", "unit", "m").ok());
    ASSERT_TRUE(file.SetAttribute("/", "seed", uint64_t{1} << 63).ok());
    ASSERT_TRUE(file.SetAttribute("/", "seed", uint64_t{3}).ok());
    ASSERT_TRUE(file.SetAttribute("/", "scale", absl::Span<const double>({1, 2})).ok());
  }
  absl::StatusOr<File> file = File::Open(TempPath());
  EXPECT_EQ(*file->StringAttribute("/x", "unit"), "m");
  EXPECT_EQ(*file->Attribute<uint64_t>("/", "seed"), 3u);
  EXPECT_THAT(*file->AttributeNames("/"), ElementsAre("scale", "seed"));
  EXPECT_ERROR(file->Attribute<double>("/", "scale").status(), kInvalidArgument,
               "has shape [2], expected one number");
  EXPECT_ERROR(file->StringAttribute("/", "seed").status(), kInvalidArgument,
               "holds uint64, expected a string");
  EXPECT_ERROR(file->Attribute<float>("/x", "unit").status(), kInvalidArgument,
               "holds string, expected numbers");
}

TEST(File, SaysNothingOnStandardError) {
  ::testing::internal::CaptureStderr();
  EXPECT_FALSE(File::Open("/nowhere/x.h5").ok());
  absl::StatusOr<File> file = File::Open(kGolden);
  EXPECT_FALSE(file->Read<float>("/a/b/c").ok());
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace estuary::hdf5
