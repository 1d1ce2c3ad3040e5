#include "common/dataset/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "common/dataset/summary.h"
#include "common/hdf5/file.h"

namespace estuary::dataset {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Three episodes of 4 rows: one ends in a fall, one is cut, one is still running.
struct Content {
  uint64_t rows = 12;
  uint64_t obs = 3;
  uint64_t act = 2;
  std::vector<float> observations = std::vector<float>(36, 0.5f);
  std::vector<float> actions = std::vector<float>(24, -0.25f);
  std::vector<float> rewards = {1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3};
  std::vector<float> next_observations = std::vector<float>(36, 0.75f);
  std::vector<uint8_t> terminals = {0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0};
  std::vector<uint8_t> timeouts = {0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0};
};

class DatasetTest : public ::testing::Test {
 protected:
  std::string Write(const Content& c, const std::vector<std::string>& without = {}) {
    const std::string path = ::testing::TempDir() + "dataset_test_" +
                             ::testing::UnitTest::GetInstance()->current_test_info()->name() +
                             ".h5";
    auto file = hdf5::File::Create(path);
    EXPECT_TRUE(file.ok()) << file.status();
    const auto write = [&](const std::string& name, hdf5::Shape shape, auto& values) {
      if (std::find(without.begin(), without.end(), name) != without.end()) return;
      using T = typename std::decay_t<decltype(values)>::value_type;
      const absl::Status status = file->Write<T>(name, shape, values);
      EXPECT_TRUE(status.ok()) << status;
    };
    write("observations", {c.observations.size() / c.obs, c.obs}, c.observations);
    write("actions", {c.actions.size() / c.act, c.act}, c.actions);
    write("rewards", {c.rewards.size()}, c.rewards);
    write("next_observations", {c.next_observations.size() / c.obs, c.obs}, c.next_observations);
    write("terminals", {c.terminals.size()}, c.terminals);
    write("timeouts", {c.timeouts.size()}, c.timeouts);
    EXPECT_TRUE(file->Close().ok());
    return path;
  }

  std::string CheckError(const Content& c) {
    auto reader = Reader::Open(Write(c));
    EXPECT_TRUE(reader.ok()) << reader.status();
    return std::string(CheckRows(*reader, reader->info().rows).message());
  }
};

TEST_F(DatasetTest, ReadsARangeOfRows) {
  Content content;
  content.observations[3 * 5 + 1] = 0.125f;
  auto reader = Reader::Open(Write(content));
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ(reader->info().rows, 12u);
  EXPECT_EQ(reader->info().observation_dim, 3);
  EXPECT_EQ(reader->info().action_dim, 2);
  Batch batch;
  ASSERT_TRUE(reader->Read(5, 3, batch).ok());
  const transition::Row row = batch.Row(0, 7);
  EXPECT_FLOAT_EQ(row.observation[1], 0.125f);
  EXPECT_FLOAT_EQ(row.reward, 2);
  EXPECT_EQ(row.episode, 7u);
  EXPECT_EQ(row.source, v1::TRANSITION_SOURCE_DATASET);
  EXPECT_FALSE(batch.Row(1, 7).truncated);
  EXPECT_TRUE(batch.Row(2, 7).truncated);
  EXPECT_FALSE(batch.Row(2, 7).terminal);
}

TEST_F(DatasetTest, TreatsMissingTimeoutsAsNone) {
  auto reader = Reader::Open(Write(Content(), {"timeouts"}));
  ASSERT_TRUE(reader.ok()) << reader.status();
  Batch batch;
  ASSERT_TRUE(reader->Read(0, 12, batch).ok());
  EXPECT_FALSE(batch.Row(7, 0).truncated);
}

TEST_F(DatasetTest, NamesAMissingArray) {
  const auto reader = Reader::Open(Write(Content(), {"rewards"}));
  ASSERT_FALSE(reader.ok());
  EXPECT_THAT(std::string(reader.status().message()), HasSubstr("'rewards'"));
}

TEST_F(DatasetTest, TakesTheNextObservationFromTheFollowingRow) {
  Content content;
  for (size_t i = 0; i < content.observations.size(); ++i) {
    content.observations[i] = static_cast<float>(i);
  }
  auto reader = Reader::Open(Write(content, {"next_observations"}));
  ASSERT_TRUE(reader.ok()) << reader.status();
  // Rows 3 (terminal), 7 (cut) and 11 (the file's last) are followed by nothing that is known.
  EXPECT_EQ(reader->info().rows, 9u);
  EXPECT_EQ(reader->info().left_out, 3u);
  EXPECT_EQ(reader->info().left_out_terminal, 1u);
  Batch batch;
  ASSERT_TRUE(reader->Read(1, 7, batch).ok());
  std::vector<float> from;
  std::vector<float> to;
  for (size_t i = 0; i < batch.rows; ++i) {
    from.push_back(batch.observations[3 * i]);
    to.push_back(batch.next_observations[3 * i]);
  }
  EXPECT_THAT(from, ElementsAre(3, 6, 12, 15, 18, 24, 27));
  EXPECT_THAT(to, ElementsAre(6, 9, 15, 18, 21, 27, 30));
  EXPECT_THAT(batch.timeouts, ElementsAre(0, 1, 0, 0, 1, 0, 0));
  EXPECT_THAT(batch.terminals, ElementsAre(0, 0, 0, 0, 0, 0, 0));
  EXPECT_EQ(reader->Where(3), "row 4");
  EXPECT_EQ(reader->Where(8), "row 10");
}

TEST_F(DatasetTest, NamesABadRowByItsPlaceInTheFile) {
  Content content;
  content.rewards[9] = std::nanf("");
  auto reader = Reader::Open(Write(content, {"next_observations"}));
  ASSERT_TRUE(reader.ok());
  EXPECT_THAT(std::string(CheckRows(*reader, reader->info().rows).message()),
              HasSubstr("row 9: rewards[0] is nan"));
}

TEST_F(DatasetTest, RefusesAFileThatDoesNotSayWhereEpisodesWereCut) {
  const auto reader = Reader::Open(Write(Content(), {"next_observations", "timeouts"}));
  ASSERT_FALSE(reader.ok());
  EXPECT_THAT(std::string(reader.status().message()), HasSubstr("'next_observations'"));
  EXPECT_THAT(std::string(reader.status().message()), HasSubstr("'timeouts'"));
}

TEST_F(DatasetTest, RefusesAFileInWhichNoRowIsFollowedByAnother) {
  Content content;
  content.timeouts.assign(12, 1);
  const auto reader = Reader::Open(Write(content, {"next_observations"}));
  ASSERT_FALSE(reader.ok());
  EXPECT_THAT(std::string(reader.status().message()), HasSubstr("each of its 12 rows"));
}

TEST_F(DatasetTest, NamesArraysOfDifferentLengths) {
  Content content;
  content.rewards.pop_back();
  const auto reader = Reader::Open(Write(content));
  ASSERT_FALSE(reader.ok());
  EXPECT_EQ(reader.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(reader.status().message()), HasSubstr("rewards"));
  EXPECT_THAT(std::string(reader.status().message()), HasSubstr("[11]"));
  EXPECT_THAT(std::string(reader.status().message()), HasSubstr("[12]"));
}

TEST_F(DatasetTest, NamesTheTaskThatItDoesNotFit) {
  auto reader = Reader::Open(Write(Content()));
  ASSERT_TRUE(reader.ok());
  EXPECT_TRUE(reader->CheckFits("t", 3, 2).ok());
  const absl::Status status = reader->CheckFits("half_cheetah", 17, 6);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("observations of 3 and actions of 2 numbers, the task half_cheetah has "
                        "17 and 6"));
}

TEST_F(DatasetTest, AcceptsGoodRows) { EXPECT_EQ(CheckError(Content()), ""); }

TEST_F(DatasetTest, NamesTheFirstRowThatIsNotFinite) {
  Content content;
  content.next_observations[3 * 9 + 2] = std::numeric_limits<float>::infinity();
  content.observations[3 * 6 + 1] = std::nanf("");
  EXPECT_THAT(CheckError(content), HasSubstr("row 6: observations[1] is nan"));
}

TEST_F(DatasetTest, NamesAnActionOutsideItsRange) {
  Content content;
  content.actions[2 * 4] = 1.5f;
  EXPECT_THAT(CheckError(content), HasSubstr("row 4: actions[0] is 1.5, outside [-1, 1]"));
}

TEST_F(DatasetTest, NamesAFlagThatIsNone) {
  Content content;
  content.terminals[2] = 3;
  EXPECT_THAT(CheckError(content), HasSubstr("row 2: terminals is 3"));
}

TEST_F(DatasetTest, ChecksNoFurtherThanAsked) {
  Content content;
  content.rewards[8] = std::nanf("");
  auto reader = Reader::Open(Write(content));
  ASSERT_TRUE(reader.ok());
  EXPECT_TRUE(CheckRows(*reader, 8).ok());
  EXPECT_FALSE(CheckRows(*reader, 9).ok());
}

TEST_F(DatasetTest, SummarizesEpisodesAndRewards) {
  Content content;
  content.observations[0] = -0.5f;
  auto reader = Reader::Open(Write(content));
  ASSERT_TRUE(reader.ok());
  const auto summary = Summarize(*reader, 4);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->episodes, 3u);
  EXPECT_EQ(summary->terminals, 1u);
  EXPECT_EQ(summary->timeouts, 1u);
  EXPECT_DOUBLE_EQ(summary->reward.mean, 2);
  EXPECT_DOUBLE_EQ(summary->episode_return.min, 4);
  EXPECT_DOUBLE_EQ(summary->episode_return.max, 12);
  // Returns 4, 8 and 12.
  EXPECT_THAT(summary->return_quartiles, ::testing::ElementsAre(6, 8, 10));
  EXPECT_EQ(summary->returns.counts, (std::vector<uint64_t>{1, 0, 1, 1}));
  EXPECT_DOUBLE_EQ(summary->observation[0].min, -0.5);
  EXPECT_EQ(summary->rewards.counts, (std::vector<uint64_t>{4, 0, 4, 4}));
  EXPECT_FALSE(summary->first_bad.has_value());
}

TEST_F(DatasetTest, CountsBadRowsApart) {
  Content content;
  content.rewards[5] = std::nanf("");
  content.actions[2 * 7] = -3;
  auto reader = Reader::Open(Write(content));
  ASSERT_TRUE(reader.ok());
  const auto summary = Summarize(*reader, 2);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->bad_rows, 2u);
  ASSERT_TRUE(summary->first_bad.has_value());
  EXPECT_EQ(summary->first_bad->row, 5u);
  EXPECT_DOUBLE_EQ(summary->reward.mean, 2);
}

TEST_F(DatasetTest, FingerprintsTheBytes) {
  const std::string path = ::testing::TempDir() + "fingerprint";
  std::ofstream(path) << "abc";
  const auto fingerprint = Fingerprint(path);
  ASSERT_TRUE(fingerprint.ok());
  // FIPS 180's own example.
  EXPECT_EQ(*fingerprint, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Fingerprint("/no/such/file").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace estuary::dataset
