// Datasets go into shards once, and come out again in their own order.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/cluster/local_cluster.h"
#include "cli/data/exporter.h"
#include "cli/data/importer.h"
#include "cli/data/recorded.h"
#include "cli/data/schemas.h"
#include "common/client/replay_shards.h"
#include "common/client/replay_writer.h"
#include "common/dataset/choose.h"
#include "common/dataset/dataset.h"
#include "common/dataset/writer.h"
#include "common/experiment/experiment.h"
#include "replay_server/replay_server.h"
#include "worlds/dataset/columns.h"
#include "worlds/dataset/operator_dataset.h"

namespace estuary::cli {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kRows = 3001;
constexpr absl::Duration kPatience = absl::Seconds(30);

class Import : public ::testing::Test {
 protected:
  Import() {
    folder_ = absl::StrCat(::testing::TempDir(), "import_",
                           ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    task_ = *worlds::FindTask("wheel_legged_stand");
    columns_ = *worlds::GenerateOperatorDataset("wheel_legged_stand", kRows, 1);
    path_ = folder_ + "/real.h5";
    EXPECT_TRUE(
        worlds::WriteD4rl(path_, columns_, {.task = "wheel_legged_stand", .generator = "test"})
            .ok());
  }

  void StartShards(int count, const transition::Schema& schema) {
    for (int i = 0; i < count; ++i) {
      replay::ReplayServer::Options options;
      v1::TableConfig& real = *options.shard.tables.add_tables();
      real.set_name(experiment::kRealTable);
      *real.mutable_schema() = schema.proto();
      real.set_capacity(100'000);
      real.set_remover(v1::REMOVER_NONE);
      real.set_durability(v1::DURABILITY_DISK);
      if (limiter_.samples_per_insert() > 0) *real.mutable_limiter() = limiter_;
      options.shard.data_dir = absl::StrCat(folder_, "/shard-", i);
      addresses_.push_back(absl::StrCat("unix:", folder_, "/", i, ".sock"));
      options.server.addresses = {addresses_.back()};
      auto server = replay::ReplayServer::Start(options);
      ASSERT_TRUE(server.ok()) << server.status();
      servers_.push_back(*std::move(server));
    }
  }

  absl::Status DoImport(const transition::Schema& schema, uint64_t rows = kRows) {
    return ImportDataset({.path = path_, .rows = rows, .shards = addresses_, .schema = schema},
                         progress_);
  }

  uint64_t Held(size_t shard) {
    const auto answers = client::DescribeShards({addresses_[shard]}, kPatience);
    return client::FindTable(*answers[0], experiment::kRealTable)->rows();
  }

  std::string folder_;
  std::string path_;
  worlds::TaskSpec task_;
  worlds::DatasetColumns columns_;
  std::vector<std::unique_ptr<replay::ReplayServer>> servers_;
  std::vector<std::string> addresses_;
  v1::SamplesPerInsert limiter_;
  ImportProgress progress_;
};

TEST_F(Import, DealsRowsOutAndReadsThemBackInOrder) {
  StartShards(2, StandardSchema(task_));
  const absl::Status imported = DoImport(StandardSchema(task_));
  ASSERT_TRUE(imported.ok()) << imported;
  EXPECT_EQ(progress_.rows_sent, kRows);
  EXPECT_EQ(Held(0), (kRows + 1) / 2);
  EXPECT_EQ(Held(1), kRows / 2);
  const auto recorded = ReadRealTable(addresses_, StandardSchema(task_), kPatience);
  ASSERT_TRUE(recorded.ok()) << recorded.status();
  EXPECT_EQ(recorded->columns.observation, columns_.observation);
  EXPECT_EQ(recorded->columns.action, columns_.action);
  EXPECT_EQ(recorded->columns.reward, columns_.reward);
  EXPECT_EQ(recorded->columns.next_observation, columns_.next_observation);
  EXPECT_EQ(recorded->columns.terminal, columns_.terminal);
  EXPECT_EQ(recorded->columns.timeout, columns_.timeout);
}

TEST_F(Import, AddsNothingTheSecondTimeAndTheRestWhereItWasCutOff) {
  StartShards(2, StandardSchema(task_));
  ASSERT_TRUE(DoImport(StandardSchema(task_), 1000).ok());
  EXPECT_EQ(Held(0) + Held(1), 1000u);
  ASSERT_TRUE(DoImport(StandardSchema(task_)).ok());
  ASSERT_TRUE(DoImport(StandardSchema(task_)).ok());
  EXPECT_EQ(Held(0) + Held(1), kRows);
}

TEST_F(Import, TakesWholeEpisodesDrawnByASeed) {
  StartShards(2, StandardSchema(task_));
  ImportOptions options = {.path = path_,
                           .rows = 1000,
                           .episodes_seed = 7,
                           .shards = addresses_,
                           .schema = StandardSchema(task_)};
  for (int again = 0; again < 2; ++again) {
    ImportProgress progress;
    ASSERT_TRUE(ImportDataset(options, progress).ok());
    EXPECT_EQ(progress.rows_sent, 1000u);
  }
  const auto recorded = ReadRealTable(addresses_, StandardSchema(task_), kPatience);
  ASSERT_TRUE(recorded.ok());
  ASSERT_EQ(recorded->columns.size(), 1000u) << "once, however often";
  const auto reader = dataset::Reader::Open(path_);
  ASSERT_TRUE(reader.ok());
  const auto ranges = dataset::ChooseEpisodes(*reader, 1000, 7);
  ASSERT_TRUE(ranges.ok());
  std::vector<float> expected;
  for (const dataset::Range& range : *ranges) {
    const auto begin = columns_.reward.begin() + static_cast<ptrdiff_t>(range.first);
    expected.insert(expected.end(), begin, begin + static_cast<ptrdiff_t>(range.count));
  }
  EXPECT_EQ(recorded->columns.reward, expected);
}

TEST_F(Import, FillsARobotsColumns) {
  StartShards(1, RobotSchema(task_));
  const auto schema = RealTableSchema(addresses_, kPatience);
  ASSERT_TRUE(schema.ok()) << schema.status();
  ASSERT_TRUE(DoImport(*schema).ok());
  EXPECT_EQ(Held(0), kRows);
}

TEST_F(Import, PutsARobotsRowsAfterImportedOnes) {
  StartShards(2, StandardSchema(task_));
  auto writer = client::ReplayWriter::Start({.shards = addresses_,
                                             .table = experiment::kRealTable,
                                             .writer_id = "robot",
                                             .schema = StandardSchema(task_),
                                             .shard = 0,
                                             .first_sequence = std::nullopt});
  ASSERT_TRUE(writer.ok());
  transition::BlockBuilder rows(StandardSchema(task_));
  const std::vector<float> observation = {1, 2, 3, 4};
  const std::vector<float> action = {0.5f};
  rows.Add({.observation = observation,
            .action = action,
            .reward = 7,
            .next_observation = observation,
            .source = v1::TRANSITION_SOURCE_POLICY,
            .policy_version = 3});
  ASSERT_TRUE((*writer)->Append(rows).ok());
  ASSERT_TRUE((*writer)->Flush(kPatience).ok());
  ASSERT_TRUE(DoImport(StandardSchema(task_)).ok());
  const auto recorded = ReadRealTable(addresses_, StandardSchema(task_), kPatience);
  ASSERT_TRUE(recorded.ok());
  ASSERT_EQ(recorded->columns.size(), kRows + 1);
  EXPECT_EQ(recorded->source.back(), v1::TRANSITION_SOURCE_POLICY);
  EXPECT_EQ(recorded->policy_version.back(), 3u);
  EXPECT_FLOAT_EQ(recorded->columns.reward.back(), 7);
}

TEST_F(Import, ExportsWhatItImportedInBothLayouts) {
  StartShards(2, StandardSchema(task_));
  ASSERT_TRUE(DoImport(StandardSchema(task_)).ok());
  const dataset::Origin origin = {.task = task_.name,
                                  .generator = "export",
                                  .observation_dim = task_.observation_dim,
                                  .action_dim = task_.action_dim};
  const std::string d4rl = folder_ + "/out.h5";
  const std::string minari = folder_ + "/out-v0";
  for (const bool as_minari : {false, true}) {
    auto writer = as_minari ? dataset::CreateMinari(minari, "out-v0", origin)
                            : dataset::CreateD4rl(d4rl, origin);
    ASSERT_TRUE(writer.ok()) << writer.status();
    TableStreamProgress progress;
    const absl::Status exported =
        ExportTable({.shards = addresses_, .schema = StandardSchema(task_), .timeout = kPatience},
                    **writer, progress);
    ASSERT_TRUE(exported.ok()) << exported;
    EXPECT_EQ(progress.rows, kRows);
    const auto reader = dataset::Reader::Open(as_minari ? minari : d4rl);
    ASSERT_TRUE(reader.ok()) << reader.status();
    ASSERT_EQ(reader->info().rows, kRows);
    dataset::Batch batch;
    ASSERT_TRUE(reader->Read(0, kRows, batch).ok());
    EXPECT_EQ(batch.observations, columns_.observation);
    EXPECT_EQ(batch.next_observations, columns_.next_observation);
    EXPECT_EQ(batch.actions, columns_.action);
    EXPECT_EQ(batch.rewards, columns_.reward);
    EXPECT_EQ(batch.terminals, columns_.terminal);
    // Minari's episodes that just stop were cut.
    if (!as_minari) {
      EXPECT_EQ(batch.timeouts, columns_.timeout);
    }
  }
}

TEST_F(Import, ExportsNothingOfAnEmptyTable) {
  StartShards(1, StandardSchema(task_));
  auto writer = dataset::CreateD4rl(folder_ + "/out.h5", {.task = task_.name,
                                                          .generator = "export",
                                                          .observation_dim = task_.observation_dim,
                                                          .action_dim = task_.action_dim});
  TableStreamProgress progress;
  EXPECT_EQ(ExportTable({.shards = addresses_, .schema = StandardSchema(task_)}, **writer, progress)
                .code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(Import, IsOutsideTheLimitersArithmetic) {
  // This limiter lets no insert in beyond the first hundred without samples.
  limiter_.set_samples_per_insert(1);
  limiter_.set_min_size(100);
  limiter_.set_error_buffer(100);
  StartShards(1, StandardSchema(task_));
  const absl::Status imported = DoImport(StandardSchema(task_));
  ASSERT_TRUE(imported.ok()) << imported;
  const auto answers = client::DescribeShards({addresses_[0]}, kPatience);
  const v1::TableStatus* table = client::FindTable(*answers[0], experiment::kRealTable);
  EXPECT_EQ(table->inserted_in_bulk(), kRows);
  EXPECT_EQ(table->waits().writers_waiting_for_samples(), 0);
}

TEST_F(Import, StopsWhenItIsTold) {
  // Nobody serves there: without being told it would wait for ever.
  addresses_ = {absl::StrCat("unix:", folder_, "/nobody.sock")};
  progress_.cancel = true;
  EXPECT_EQ(DoImport(StandardSchema(task_)).code(), absl::StatusCode::kCancelled);
}

TEST_F(Import, RefusesATableOfAnotherTask) {
  const worlds::TaskSpec other = *worlds::FindTask("wheel_legged_move");
  StartShards(1, StandardSchema(other));
  const absl::Status status = DoImport(StandardSchema(task_));
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("wheel_legged_move"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("wheel_legged_stand"));
}

TEST_F(Import, NamesTheShardThatDoesNotAnswer) {
  const auto schema = RealTableSchema({"unix:/no/shard.sock"}, absl::Milliseconds(200));
  EXPECT_THAT(std::string(schema.status().message()), HasSubstr("unix:/no/shard.sock"));
}

TEST(TablesOf, GivesSimTheExperimentsPaceUnlessInLockstep) {
  v1::Experiment experiment;
  experiment.set_name("x");
  experiment.set_task("wheel_legged_stand");
  experiment.mutable_algorithm()->set_name("sac");
  ASSERT_TRUE(experiment::FillDefaults(experiment).ok());
  const transition::Schema schema = StandardSchema(*worlds::FindTask("wheel_legged_stand"));
  const v1::TableConfigs paced = TablesOf(experiment, schema, schema);
  ASSERT_EQ(paced.tables_size(), 2);
  EXPECT_EQ(paced.tables(0).durability(), v1::DURABILITY_DISK);
  EXPECT_FALSE(paced.tables(0).has_limiter());
  EXPECT_EQ(paced.tables(1).durability(), v1::DURABILITY_MEMORY);
  EXPECT_DOUBLE_EQ(paced.tables(1).limiter().samples_per_insert(), 256);
  experiment.set_deterministic(true);
  EXPECT_FALSE(TablesOf(experiment, schema, schema).tables(1).has_limiter());
}

TEST(NthMetricsAddress, CountsPortsUp) {
  EXPECT_EQ(*NthMetricsAddress("127.0.0.1:9100", 3), "127.0.0.1:9103");
  EXPECT_EQ(*NthMetricsAddress("", 3), "");
  for (const char* bad : {"9100", ":9100", "host:", "host:0", "host:65533"}) {
    EXPECT_FALSE(NthMetricsAddress(bad, 3).ok()) << bad;
  }
}

}  // namespace
}  // namespace estuary::cli
