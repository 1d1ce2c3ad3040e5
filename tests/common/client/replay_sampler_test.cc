// The sampler over shards that draw by priorities, and over shards that are queues.
#include "common/client/replay_sampler.h"

#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/client/replay_writer.h"
#include "common/process/channel.h"
#include "estuary/v1/replay.grpc.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/replay_server/chi_squared.h"
#include "tests/replay_server/harness.h"

namespace estuary::client {
namespace {

using replay::Address;
using replay::FitsExpectation;
using replay::MemoryTable;
using replay::ReplayServer;
using replay::Rows;
using replay::StartServer;
using replay::TemporaryFolder;
using replay::TestSchema;
using replay::Values;

constexpr absl::Duration kLong = absl::Seconds(30);

// Appends one block with priorities and waits until it is stored.
void Append(const std::string& address, uint32_t first, uint32_t rows,
            const std::vector<float>& priorities) {
  const auto channel = process::MakeChannel(address);
  ASSERT_TRUE(process::WaitForPeer(*channel, "replay", address, kLong).ok());
  grpc::ClientContext context;
  process::SetDeadline(context, kLong);
  const auto stream = v1::Replay::NewStub(channel)->Append(&context);
  v1::AppendRequest request;
  request.mutable_hello()->set_table("rows");
  request.mutable_hello()->set_writer_id("w" + std::to_string(first));
  *request.mutable_hello()->mutable_schema() = TestSchema().proto();
  ASSERT_TRUE(stream->Write(request));
  *request.mutable_block()->mutable_block() = Rows(first, rows);
  request.mutable_block()->mutable_priority()->Add(priorities.begin(), priorities.end());
  ASSERT_TRUE(stream->Write(request));
  stream->WritesDone();
  v1::AppendResponse response;
  while (stream->Read(&response)) {
  }
  const grpc::Status status = stream->Finish();
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.ack().next_sequence(), rows);
}

class ReplaySamplerTest : public ::testing::Test {
 protected:
  void Serve(int shards, const v1::TableConfig& config) {
    for (int i = 0; i < shards; ++i) {
      folders_.push_back(std::make_unique<TemporaryFolder>());
      servers_.push_back(StartServer(folders_.back()->path(), {config}));
      addresses_.push_back(Address(folders_.back()->path()));
    }
  }

  std::unique_ptr<ReplaySampler> Start(uint32_t batch_size, uint32_t credits = 4) const {
    return ReplaySampler::Start({.shards = addresses_,
                                 .table = "rows",
                                 .schema = TestSchema(),
                                 .batch_size = batch_size,
                                 .credits = credits,
                                 .seed = 9})
        .value();
  }

  std::vector<std::unique_ptr<TemporaryFolder>> folders_;
  std::vector<std::unique_ptr<ReplayServer>> servers_;
  std::vector<std::string> addresses_;
};

TEST_F(ReplaySamplerTest, DrawsFromUnequalPrioritizedShardsAsFromOneTable) {
  v1::TableConfig config = MemoryTable("rows", 1000);
  config.set_selector(v1::SELECTOR_PRIORITIZED);
  config.set_priority_exponent(0.7);
  Serve(3, config);
  std::vector<double> weights;
  const uint32_t sizes[] = {40, 3, 17};
  for (int i = 0; i < 3; ++i) {
    std::vector<float> priorities;
    for (uint32_t k = 0; k < sizes[i]; ++k) {
      // The smallest shard weighs the most.
      priorities.push_back(static_cast<float>(1 + k % 4) * (i == 1 ? 30.0F : 1.0F));
      weights.push_back(std::pow(priorities.back(), 0.7));
    }
    Append(addresses_[i], static_cast<uint32_t>(weights.size()) - sizes[i], sizes[i], priorities);
  }
  double sum = 0;
  for (const double weight : weights) sum += weight;
  const auto sampler = Start(64);
  std::vector<double> counts(weights.size(), 0);
  SampledBatch batch;
  for (int i = 0; i < 600; ++i) {
    ASSERT_TRUE(sampler->Next(batch, kLong).ok());
    const std::vector<uint32_t> values = Values(batch.block);
    ASSERT_EQ(batch.probability.size(), values.size());
    for (size_t k = 0; k < values.size(); ++k) {
      ++counts.at(values[k]);
      ASSERT_NEAR(batch.probability[k], weights[values[k]] / sum, 1e-9);
    }
  }
  EXPECT_TRUE(FitsExpectation(counts, weights));

  // Then one row alone: where it is, its shard weighs it, and the others next to nothing.
  std::vector<float> priorities;
  for (const uint32_t value : Values(batch.block)) {
    priorities.push_back(value == Values(batch.block)[0] ? 1e6F : 0);
  }
  const uint32_t favourite = Values(batch.block)[0];
  ASSERT_TRUE(sampler->UpdatePriorities(batch, priorities, kLong).ok());
  const auto fresh = Start(64);
  int found = 0;
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(fresh->Next(batch, kLong).ok());
    for (const uint32_t value : Values(batch.block)) found += value == favourite;
  }
  EXPECT_GT(found, 600);
  EXPECT_FALSE(sampler->UpdatePriorities(batch, std::vector<float>{1}, kLong).ok());
}

TEST_F(ReplaySamplerTest, PrioritiesOfAUniformTableAreRefusedByName) {
  Serve(1, MemoryTable("rows", 100));
  Append(addresses_[0], 0, 10, {});
  const auto sampler = Start(4);
  SampledBatch batch;
  ASSERT_TRUE(sampler->Next(batch, kLong).ok());
  EXPECT_THAT(batch.probability, ::testing::Each(0.1));
  const absl::Status status = sampler->UpdatePriorities(batch, std::vector<float>(4, 1.0F), kLong);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("does not draw by priorities"));
}

TEST_F(ReplaySamplerTest, QueuesGiveEveryRowOnceWhicheverShardHasIt) {
  v1::TableConfig config = MemoryTable("rows", 50);
  config.set_remover(v1::REMOVER_NONE);
  config.set_selector(v1::SELECTOR_FIFO);
  config.set_max_times_sampled(1);
  Serve(2, config);
  // More than fits, so that writers wait for the sampler; and no whole number of batches a shard.
  const uint32_t rows[] = {293, 117};
  std::vector<std::unique_ptr<ReplayWriter>> writers;
  for (int i = 0; i < 2; ++i) {
    writers.push_back(ReplayWriter::Start({.shards = addresses_,
                                           .table = "rows",
                                           .writer_id = "w",
                                           .schema = TestSchema(),
                                           .shard = i})
                          .value());
    ASSERT_TRUE(writers[i]->Append(Rows(i * 1000, rows[i])).ok());
  }
  const auto sampler = Start(10, 3);
  std::map<int, std::vector<uint32_t>> found;
  SampledBatch batch;
  for (int i = 0; i < 41; ++i) {
    ASSERT_TRUE(sampler->Next(batch, kLong).ok()) << i;
    const std::vector<uint32_t> values = Values(batch.block);
    for (size_t k = 0; k < values.size(); ++k) found[batch.shard[k]].push_back(values[k]);
  }
  EXPECT_EQ(found[0], replay::Range(0, 293));
  EXPECT_EQ(found[1], replay::Range(1000, 117));
  for (const auto& writer : writers) EXPECT_TRUE(writer->Flush(kLong).ok());
  EXPECT_TRUE(absl::IsDeadlineExceeded(sampler->Next(batch, absl::Milliseconds(50))));
}

}  // namespace
}  // namespace estuary::client
