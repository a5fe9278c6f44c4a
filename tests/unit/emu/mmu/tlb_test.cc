#include "emu/mmu/tlb.h"

#include <gtest/gtest.h>

namespace emu::mmu {
namespace {

constexpr uint64_t kPage = hv::kGuestPageSize;

class TlbTest : public testing::Test {
 protected:
  TlbTest() { tlb_.entries(); }

  void fill(uint64_t page, bool is_global = true) {
    tlb_.fill(page, {.read = page, .write = page, .execute = TlbEntry::kNoPage, .addend = 0}, is_global);
  }
  bool has(uint64_t page) { return tlb_.entries()[Tlb::index(page)].read == page; }
  bool writes(uint64_t page) { return tlb_.entries()[Tlb::index(page)].write == page; }

  Tlb tlb_;
};

TEST_F(TlbTest, StartsWithoutPages) {
  for (size_t i = 0; i < Tlb::kEntries; ++i) EXPECT_EQ(tlb_.entries()[i].read, TlbEntry::kNoPage);
}

TEST_F(TlbTest, TheNewerOfTwoPagesThatShareAnEntryIsFound) {
  uint64_t other = 2 * kPage;
  while (Tlb::index(other) != Tlb::index(kPage)) other += kPage;
  fill(kPage);
  fill(other);
  EXPECT_FALSE(has(kPage));
  EXPECT_TRUE(has(other));
}

TEST_F(TlbTest, PagesAPowerOfTwoApartHaveEntriesOfTheirOwn) {
  for (uint64_t pages = 1; pages <= 64 * Tlb::kEntries; pages *= 2) fill(pages * kPage);
  for (uint64_t pages = 1; pages <= 64 * Tlb::kEntries; pages *= 2) EXPECT_TRUE(has(pages * kPage)) << pages;
}

TEST_F(TlbTest, AFlushForgetsFewPagesAndMany) {
  for (const uint64_t pages : {uint64_t{3}, uint64_t{Tlb::kEntries}}) {
    for (uint64_t i = 0; i < pages; ++i) fill(i * kPage);
    tlb_.flush();
    for (uint64_t i = 0; i < pages; ++i) EXPECT_FALSE(has(i * kPage)) << i;
  }
}

TEST_F(TlbTest, ALocalFlushKeepsGlobalPages) {
  fill(1 * kPage, true);
  fill(2 * kPage, false);
  tlb_.flush_local();
  EXPECT_TRUE(has(1 * kPage));
  EXPECT_FALSE(has(2 * kPage));
}

TEST_F(TlbTest, ALocalFlushForgetsMoreLocalPagesThanCanBeNoted) {
  for (uint64_t i = 0; i < 1000; ++i) fill(i * kPage, false);
  tlb_.flush_local();
  for (uint64_t i = 0; i < 1000; ++i) EXPECT_FALSE(has(i * kPage)) << i;
}

TEST_F(TlbTest, ARangeIsFlushedAlone) {
  for (uint64_t i = 0; i < 8; ++i) fill(i * kPage);
  tlb_.flush({2 * kPage, 4 * kPage - 1});
  for (uint64_t i = 0; i < 8; ++i) EXPECT_EQ(has(i * kPage), i < 2 || i > 3) << i;
}

TEST_F(TlbTest, ARangeLargerThanTheTableIsFlushed) {
  fill(0);
  fill(kPage * (10 * Tlb::kEntries + 5));
  tlb_.flush({kPage, kPage * (20 * Tlb::kEntries) - 1});
  EXPECT_TRUE(has(0));
  EXPECT_FALSE(has(kPage * (10 * Tlb::kEntries + 5)));
}

TEST_F(TlbTest, ARangeUpToTheLastAddressLeavesEmptyEntriesAlone) {
  fill(~uint64_t{0} - (kPage - 1));
  tlb_.flush({~uint64_t{0} - (2 * kPage - 1), ~uint64_t{0}});
  EXPECT_FALSE(has(~uint64_t{0} - (kPage - 1)));
}

TEST_F(TlbTest, DroppedWritesLeaveReads) {
  for (const uint64_t pages : {uint64_t{3}, uint64_t{Tlb::kEntries}}) {
    for (uint64_t i = 0; i < pages; ++i) fill(i * kPage);
    tlb_.drop_writes();
    for (uint64_t i = 0; i < pages; ++i) {
      EXPECT_TRUE(has(i * kPage)) << i;
      EXPECT_FALSE(writes(i * kPage)) << i;
    }
  }
}

}  // namespace
}  // namespace emu::mmu
