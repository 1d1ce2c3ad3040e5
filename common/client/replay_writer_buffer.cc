#include "common/client/replay_writer_buffer.h"

#include <algorithm>
#include <utility>

namespace estuary::client {
namespace {

// Blocks of fewer rows are put together: a message costs as much as some hundred rows.
constexpr uint32_t kMergedRows = 512;
constexpr size_t kMergedBytes = 128 << 10;
constexpr size_t kSpareMessages = 16;

}  // namespace

void ReplayWriterBuffer::Push(v1::TransitionBlock& block) {
  AppendMessage message;
  if (spare_.empty()) {
    message = std::make_shared<v1::AppendRequest>();
  } else {
    message = std::move(spare_.back());
    spare_.pop_back();
  }
  message->mutable_block()->mutable_block()->Swap(&block);
  const uint32_t rows = message->block().block().rows();
  held_.push_back({.place = appended_, .message = std::move(message)});
  appended_ += rows;
}

bool ReplayWriterBuffer::Merge(const v1::TransitionBlock& block) {
  if (next_ >= held_.size()) return false;
  v1::TransitionBlock& last = *held_.back().message->mutable_block()->mutable_block();
  const uint32_t rows = last.rows() + block.rows();
  if (rows > kMergedRows || rows * schema_.row_bytes() > kMergedBytes) return false;
  for (int i = 0; i < schema_.columns(); ++i) {
    last.mutable_columns(i)->append(block.columns(i));
  }
  last.set_rows(rows);
  appended_ += block.rows();
  return true;
}

void ReplayWriterBuffer::Append(transition::BlockBuilder& rows) {
  if (rows.rows() == 0) return;
  if (appended_ + rows.rows() <= acknowledged_) {
    appended_ += rows.rows();
    sent_ = std::max(sent_, appended_);
    rows.Clear();
    return;
  }
  if (Merge(rows.block())) {
    rows.Clear();
    return;
  }
  v1::TransitionBlock block;
  if (!spare_.empty()) block.Swap(spare_.back()->mutable_block()->mutable_block());
  rows.Swap(block);
  Push(block);
}

void ReplayWriterBuffer::Append(v1::TransitionBlock block) {
  if (block.rows() == 0) return;
  if (appended_ + block.rows() <= acknowledged_) {
    appended_ += block.rows();
    sent_ = std::max(sent_, appended_);
    return;
  }
  if (!Merge(block)) Push(block);
}

void ReplayWriterBuffer::Acknowledge(uint64_t place) {
  acknowledged_ = std::max(acknowledged_, place);
  sent_ = std::max(sent_, std::min(acknowledged_, appended_));
  while (!held_.empty() && held_.front().end() <= acknowledged_) {
    if (spare_.size() < kSpareMessages) spare_.push_back(std::move(held_.front().message));
    held_.pop_front();
    if (next_ > 0) --next_;
  }
}

void ReplayWriterBuffer::DropFront(uint32_t rows) {
  Held& first = held_.front();
  // The message may still be in use by a write that is being given up.
  auto copy = std::make_shared<v1::AppendRequest>();
  v1::TransitionBlock& block = *copy->mutable_block()->mutable_block();
  const v1::TransitionBlock& old = first.message->block().block();
  block.set_rows(old.rows() - rows);
  for (int i = 0; i < schema_.columns(); ++i) {
    block.add_columns(old.columns(i).substr(rows * schema_.column_bytes(i)));
  }
  first.message = std::move(copy);
  first.place += rows;
}

void ReplayWriterBuffer::Rewind() {
  if (!held_.empty() && held_.front().place < acknowledged_) {
    DropFront(static_cast<uint32_t>(acknowledged_ - held_.front().place));
  }
  next_ = 0;
  sent_ = std::min(acknowledged_, appended_);
}

AppendMessage ReplayWriterBuffer::NextToSend(uint64_t& place) {
  if (next_ >= held_.size()) return nullptr;
  Held& held = held_[next_++];
  place = held.place;
  sent_ = held.end();
  highest_sent_ = std::max(highest_sent_, sent_);
  return held.message;
}

std::vector<v1::TransitionBlock> ReplayWriterBuffer::Take() {
  Rewind();
  std::vector<v1::TransitionBlock> blocks;
  for (const Held& held : held_) blocks.push_back(held.message->block().block());
  return blocks;
}

}  // namespace estuary::client
