// The lock-free parts under real threads; meant to run under ThreadSanitizer, too.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "robot_bridge/loop/clock.h"
#include "robot_bridge/loop/mailbox.h"
#include "robot_bridge/loop/policy_slot.h"
#include "robot_bridge/loop/spsc_ring.h"
#include "robot_bridge/loop/wakeup.h"

namespace estuary::bridge {
namespace {

// Torn copies show: all words must be equal.
struct Wide {
  uint64_t words[16] = {};
};

Wide MakeWide(uint64_t value) {
  Wide wide;
  for (uint64_t& word : wide.words) word = value;
  return wide;
}

bool Whole(const Wide& wide) {
  for (const uint64_t word : wide.words) {
    if (word != wide.words[0]) return false;
  }
  return true;
}

TEST(SpscRing, RefusesWhatItHasNoRoomFor) {
  SpscRing<int> ring(3);
  ASSERT_EQ(ring.Capacity(), 4u);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(ring.Push(i));
  EXPECT_FALSE(ring.Push(4));
  EXPECT_EQ(ring.Size(), 4u);
  int value = -1;
  EXPECT_TRUE(ring.Pop(value));
  EXPECT_EQ(value, 0);
  EXPECT_TRUE(ring.Push(4));
  for (int i = 1; i <= 4; ++i) {
    ASSERT_TRUE(ring.Pop(value));
    EXPECT_EQ(value, i);
  }
  EXPECT_FALSE(ring.Pop(value));
}

TEST(SpscRing, CarriesEverythingInOrderBetweenThreads) {
  constexpr uint64_t kCount = 100'000;
  SpscRing<Wide> ring(64);
  std::thread producer([&ring] {
    for (uint64_t i = 0; i < kCount;) {
      if (ring.Push(MakeWide(i))) {
        ++i;
      } else {
        std::this_thread::yield();
      }
    }
  });
  Wide value;
  for (uint64_t i = 0; i < kCount;) {
    if (!ring.Pop(value)) {
      std::this_thread::yield();
      continue;
    }
    ASSERT_TRUE(Whole(value));
    ASSERT_EQ(value.words[0], i);
    ++i;
  }
  producer.join();
  EXPECT_EQ(ring.Size(), 0u);
}

TEST(Mailbox, GivesTheNewestValueOnce) {
  Mailbox<int> mailbox;
  int value = 7;
  EXPECT_FALSE(mailbox.Take(value));
  EXPECT_EQ(value, 7);
  mailbox.Put(1);
  mailbox.Put(2);
  EXPECT_TRUE(mailbox.Take(value));
  EXPECT_EQ(value, 2);
  EXPECT_FALSE(mailbox.Take(value));
}

TEST(Mailbox, NeverGivesATornOrAnOlderValue) {
  constexpr uint64_t kCount = 200'000;
  Mailbox<Wide> mailbox;
  std::thread writer([&mailbox] {
    for (uint64_t i = 1; i <= kCount; ++i) mailbox.Put(MakeWide(i));
  });
  uint64_t newest = 0;
  Wide value;
  while (newest < kCount) {
    if (!mailbox.Take(value)) {
      std::this_thread::yield();
      continue;
    }
    ASSERT_TRUE(Whole(value));
    ASSERT_GT(value.words[0], newest);
    newest = value.words[0];
  }
  writer.join();
}

TEST(Wakeup, RemembersASignalThatCameBeforeTheWait) {
  Wakeup wakeup;
  wakeup.Signal();
  wakeup.Signal();
  EXPECT_TRUE(wakeup.Wait(Now() + 10 * kSecond));
  EXPECT_FALSE(wakeup.Wait(Now() + kMillisecond));
}

TEST(Wakeup, WakesASleeper) {
  Wakeup wakeup;
  std::atomic<int> woken{0};
  std::thread sleeper([&] {
    for (int i = 0; i < 100; ++i) {
      if (!wakeup.Wait(Now() + 30 * kSecond)) return;
      woken.fetch_add(1);
    }
  });
  for (int i = 0; i < 100; ++i) {
    wakeup.Signal();
    while (woken.load() <= i) std::this_thread::yield();
  }
  sleeper.join();
  EXPECT_EQ(woken.load(), 100);
}

class CountedSource : public ActionSource {
 public:
  CountedSource(uint32_t version, std::atomic<int>& alive) : version_(version), alive_(alive) {
    alive_.fetch_add(1);
  }
  ~CountedSource() override { alive_.fetch_sub(1); }
  uint32_t version() const override { return version_; }
  void Act(const float*, float* action) override { action[0] = 0; }

 private:
  const uint32_t version_;
  std::atomic<int>& alive_;
};

TEST(PolicySlot, GivesTheNewestOfferAndFreesEverythingOnTheFeedersSide) {
  std::atomic<int> alive{0};
  {
    PolicySlot slot;
    std::atomic<bool> done{false};
    std::thread loop([&] {
      ActionSource* current = nullptr;
      uint32_t newest = 0;
      for (;;) {
        const bool last = done.load();
        if (ActionSource* taken = slot.Take()) {
          ASSERT_GT(taken->version(), newest);
          newest = taken->version();
          slot.Retire(current);
          current = taken;
        } else if (last && newest == 2000) {
          break;
        } else {
          std::this_thread::yield();
        }
      }
      delete current;
    });
    for (uint32_t version = 1; version <= 2000; ++version) {
      slot.Offer(std::make_unique<CountedSource>(version, alive));
    }
    done = true;
    // The last offer may find no room to hand back until the feeder collects.
    std::atomic<bool> joined{false};
    std::thread joiner([&] {
      loop.join();
      joined = true;
    });
    while (!joined.load()) {
      slot.Collect();
      std::this_thread::yield();
    }
    joiner.join();
  }
  EXPECT_EQ(alive.load(), 0);
}

}  // namespace
}  // namespace estuary::bridge
