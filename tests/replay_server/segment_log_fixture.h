// A log in a folder of its own, for the tests of what it survives.
#pragma once

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/process/files.h"
#include "gtest/gtest.h"
#include "replay_server/segment_log.h"
#include "tests/replay_server/harness.h"

namespace estuary::replay {

// Its rows' values are their positions.
class SegmentLogTest : public ::testing::Test {
 protected:
  SegmentLog::Options Options() const {
    return {.folder = folder_ / "log",
            .shard_id = "shard",
            .segment_bytes = segment_bytes_,
            .salvage = salvage_};
  }

  // Opens the log; what it holds is in found_.
  absl::Status Open() {
    log_.reset();
    found_.clear();
    heads_ = 0;
    const SegmentLog::Reader reader = {.head =
                                           [this](const v1::SegmentHead& head) {
                                             ++heads_;
                                             next_ = head.cursor();
                                             return absl::OkStatus();
                                           },
                                       .block =
                                           [this](const v1::StoredBlock& block) {
                                             for (const uint32_t value : Values(block.block()))
                                               found_.push_back(value);
                                             next_ = block.cursor() + block.block().rows();
                                             return absl::OkStatus();
                                           }};
    auto log = SegmentLog::Open(Options(), reader);
    if (!log.ok()) return log.status();
    log_ = *std::move(log);
    return absl::OkStatus();
  }

  // One commit of `blocks` blocks; the rows' values are their positions.
  absl::Status Append(uint32_t rows, int blocks = 1) {
    if (log_->wants_roll()) {
      v1::SegmentHead head;
      head.set_cursor(next_);
      for (const auto& [row, cursor] : runs_) {
        v1::TableState::Run& run = *head.mutable_state()->add_runs();
        run.set_row(row);
        run.set_cursor(cursor);
      }
      if (const absl::Status status = log_->Roll(head); !status.ok()) return status;
    }
    uint64_t next = next_;
    for (int i = 0; i < blocks; ++i) {
      v1::StorageRecord record;
      record.mutable_block()->set_cursor(next);
      *record.mutable_block()->mutable_block() = Rows(static_cast<uint32_t>(next), rows);
      log_->Add(record);
      next += rows;
    }
    const absl::Status status = log_->Append();
    if (status.ok()) next_ = next;
    return status;
  }

  std::vector<std::string> Segments() const {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "log")) {
      if (entry.path().extension() == ".segment") paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    return paths;
  }

  // The file that says how far the log was acknowledged.
  std::string Mark() const { return process::ReadFile(folder_ / "log/mark").value(); }
  void SetMark(const std::string& mark) const {
    ASSERT_TRUE(process::WriteFileAtomically(folder_ / "log/mark", mark).ok());
  }

  const TemporaryFolder folder_;
  uint64_t segment_bytes_ = 1 << 20;
  bool salvage_ = false;
  std::unique_ptr<SegmentLog> log_;
  std::vector<uint32_t> found_;
  uint64_t next_ = 0;
  int heads_ = 0;
  // What new segments' heads say: rows ever, and their positions.
  std::vector<std::pair<uint64_t, uint64_t>> runs_;
};

}  // namespace estuary::replay
