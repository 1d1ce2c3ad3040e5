#include "replay_server/record.h"

#include <string>

#include "common/process/crc32c.h"
#include "gtest/gtest.h"
#include "tests/replay_server/harness.h"

namespace estuary::replay {
namespace {

TEST(Crc32c, GivesThePublishedValues) {
  // RFC 3720, appendix B.4.
  EXPECT_EQ(process::Crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(process::Crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(process::Crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  std::string ascending;
  for (char c = 0; c < 32; ++c) ascending.push_back(c);
  EXPECT_EQ(process::Crc32c(ascending), 0x46dd794eU);
  EXPECT_EQ(process::Crc32c("56789", process::Crc32c("1234")), 0xe3069283U);
}

v1::StorageRecord Record(uint32_t first, uint32_t rows) {
  v1::StorageRecord record;
  record.mutable_block()->set_cursor(first);
  *record.mutable_block()->mutable_block() = Rows(first, rows);
  return record;
}

TEST(Record, ReadsBackWhatWasWritten) {
  std::string file;
  EncodeRecord(Record(0, 3), 0, file);
  const size_t second = file.size();
  EncodeRecord(Record(3, 8), 77, file);
  EXPECT_EQ(second % 8, 0);
  const auto a = DecodeRecord(file, 0);
  ASSERT_TRUE(a);
  EXPECT_EQ(a->bytes, second);
  EXPECT_EQ(Values(a->record.block().block()), Range(0, 3));
  const auto b = DecodeRecord(file, second);
  ASSERT_TRUE(b);
  EXPECT_EQ(b->committed, 77);
  EXPECT_EQ(b->bytes, file.size() - second);
  EXPECT_FALSE(DecodeRecord(file, file.size()));
}

TEST(Record, NoChangedOrMissingByteGoesUnnoticed) {
  std::string file;
  EncodeRecord(Record(5, 4), 16, file);
  for (size_t cut = 0; cut < file.size(); ++cut) {
    EXPECT_FALSE(DecodeRecord(file.substr(0, cut), 0)) << cut;
  }
  // The padding is nobody's.
  size_t payload_end = 24;
  uint32_t bytes = 0;
  std::memcpy(&bytes, file.data() + 4, 4);
  payload_end += bytes;
  for (size_t i = 0; i < payload_end; ++i) {
    for (const int bit : {0, 3, 7}) {
      std::string changed = file;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      EXPECT_FALSE(DecodeRecord(changed, 0)) << "byte " << i;
    }
  }
}

TEST(Record, TheNextGoodOneIsFoundBehindDamage) {
  std::string file;
  EncodeRecord(Record(0, 3), 0, file);
  const size_t second = file.size();
  EncodeRecord(Record(3, 3), 0, file);
  const size_t third = file.size();
  EncodeRecord(Record(6, 3), 0, file);
  file[second + 40] ^= 1;
  EXPECT_EQ(FindRecord(file, 0), third);
  EXPECT_EQ(FindRecord(file, second), third);
  EXPECT_FALSE(FindRecord(file, third));
}

}  // namespace
}  // namespace estuary::replay
