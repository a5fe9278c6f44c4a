#include "emu/mmu/jump_cache.h"

#include <memory>

#include <gtest/gtest.h>

#include "emu/mmu/tlb.h"

namespace emu::mmu {
namespace {

constexpr uint64_t kPage = hv::kGuestPageSize;
constexpr uint64_t kHere = 7 * kPage + 0x124;
const std::byte kCode{};

VirtualRange page_at(uint64_t number) { return {number * kPage, number * kPage + kPage - 1}; }

class JumpCacheTest : public testing::Test {
 protected:
  JumpCacheTest() {
    table_.entries();
    table_.jumps(1).add(kHere, &kCode);
  }
  bool knows(uint64_t address) { return table_.jumps(1).entries[JumpCache::index(address)].address == address; }

  Tlb table_;
};

TEST_F(JumpCacheTest, KnowsTheCodeOfAnAddress) {
  EXPECT_TRUE(knows(kHere));
  EXPECT_EQ(table_.jumps(1).entries[JumpCache::index(kHere)].code, &kCode);
  EXPECT_FALSE(knows(kHere + kPage));
}

TEST_F(JumpCacheTest, AFlushOfItsPageForgetsIt) {
  table_.flush(page_at(7));
  EXPECT_FALSE(knows(kHere));
}

TEST_F(JumpCacheTest, AFlushOfAnotherPageKeepsIt) {
  table_.flush(page_at(8));
  EXPECT_TRUE(knows(kHere));
}

TEST_F(JumpCacheTest, AFlushOfEverythingForgetsIt) {
  table_.flush();
  EXPECT_FALSE(knows(kHere));
}

TEST_F(JumpCacheTest, ALocalFlushForgetsItOnlyIfCodeWasLocal) {
  table_.fill(9 * kPage, {.read = 9 * kPage}, false);
  table_.flush_local();
  EXPECT_TRUE(knows(kHere));
  table_.fill(7 * kPage, {.execute = 7 * kPage}, false);
  table_.flush_local();
  EXPECT_FALSE(knows(kHere));
}

TEST_F(JumpCacheTest, AnotherModeStartsEmpty) {
  table_.jumps(1).use_mode(0);
  EXPECT_TRUE(knows(kHere));
  table_.jumps(1).use_mode(3);
  EXPECT_FALSE(knows(kHere));
}

}  // namespace
}  // namespace emu::mmu
