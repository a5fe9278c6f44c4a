#include "emu/mmu/address_spaces.h"

#include <vector>

#include <gtest/gtest.h>

namespace emu::mmu {
namespace {

constexpr uint64_t kPage = hv::kGuestPageSize;
constexpr unsigned kRegime = 8;
constexpr uint8_t kWrite = 2;
constexpr uint8_t kFlags = 7;
constexpr uint64_t kMega = uint64_t{1} << 21;

class AddressSpacesTest : public testing::Test {
 protected:
  AddressSpacesTest() { enter(1); }

  void enter(uint32_t asid, uint64_t root = 0) { spaces_.enter(asid, root == 0 ? asid : root, kRegime); }

  /// As an access does that finds a page by a walk.
  void touch(uint64_t page, bool is_global = false, uint64_t leaf_size = kPage) {
    spaces_.add(page, leaf_size, host(page), kFlags, is_global);
    for (Tlb* const table : {&spaces_.own(), &spaces_.shared(0)}) {
      table->entries();
      table->fill(page, {.read = page, .write = page, .execute = page, .addend = 0}, is_global);
    }
  }
  static std::byte* host(uint64_t page) {
    return reinterpret_cast<std::byte*>(0x7000'0000'0000 | (page & 0xffff'f000));
  }

  static bool has(Tlb& table, uint64_t page) { return table.entries()[Tlb::index(page)].read == page; }
  bool in_own(uint64_t page) { return has(spaces_.own(), page); }
  bool in_shared(uint64_t page) { return has(spaces_.shared(0), page); }
  bool behind(uint64_t page) { return spaces_.find(page).host != nullptr; }
  /// Whether it is anywhere.
  bool knows(uint64_t page) { return in_own(page) || in_shared(page) || behind(page); }

  AddressSpaces spaces_;
};

TEST_F(AddressSpacesTest, FindTheHostAddressAndTheFlags) {
  touch(5 * kPage);
  const auto page = spaces_.find(5 * kPage + 0x123);
  EXPECT_EQ(page.host, host(5 * kPage));
  EXPECT_EQ(page.flags, kFlags);
  EXPECT_FALSE(page.is_global);
}

TEST_F(AddressSpacesTest, KeepASpacesPagesWhileInAnother) {
  touch(5 * kPage);
  TlbEntry* const table = spaces_.own().entries();
  enter(2);
  EXPECT_FALSE(knows(5 * kPage));
  enter(1);
  EXPECT_EQ(spaces_.own().entries(), table);
  EXPECT_TRUE(in_own(5 * kPage));
  EXPECT_TRUE(behind(5 * kPage));
  EXPECT_FALSE(in_shared(5 * kPage));
}

TEST_F(AddressSpacesTest, KeepGlobalPagesInEverySpace) {
  touch(5 * kPage, true);
  enter(2);
  EXPECT_TRUE(in_shared(5 * kPage));
  EXPECT_TRUE(spaces_.find(5 * kPage).is_global);
}

TEST_F(AddressSpacesTest, AnotherRootUnderTheSameAsidIsAnotherSpace) {
  touch(5 * kPage);
  touch(6 * kPage, true);
  enter(1, 77);
  EXPECT_FALSE(knows(5 * kPage));
  EXPECT_TRUE(behind(6 * kPage));
}

TEST_F(AddressSpacesTest, AnotherRegimeSharesNothing) {
  touch(5 * kPage, true);
  spaces_.enter(AddressSpaces::kNoAsid, 0, 0);
  EXPECT_FALSE(knows(5 * kPage));
  enter(1);
  EXPECT_FALSE(in_shared(5 * kPage));
  EXPECT_FALSE(behind(5 * kPage));
}

TEST_F(AddressSpacesTest, RememberMoreSpacesThanTheyHaveTables) {
  for (uint32_t asid = 1; asid <= AddressSpaces::kSpaces; ++asid) {
    enter(asid);
    touch(asid * kPage);
  }
  for (uint32_t asid = 1; asid <= AddressSpaces::kSpaces; ++asid) {
    enter(asid);
    EXPECT_TRUE(behind(asid * kPage)) << asid;
    EXPECT_FALSE(in_own((asid + 1) * kPage)) << asid;
  }
}

TEST_F(AddressSpacesTest, ForgetTheSpaceThatWasLeftLongestAgo) {
  touch(5 * kPage);
  for (uint32_t asid = 2; asid <= AddressSpaces::kSpaces + 1; ++asid) {
    enter(asid);
    touch(6 * kPage);
  }
  enter(1);
  EXPECT_FALSE(knows(5 * kPage));
}

TEST_F(AddressSpacesTest, AFlushForgetsEverySpaceAndGlobalPages) {
  touch(5 * kPage);
  touch(6 * kPage, true);
  enter(2);
  touch(7 * kPage);
  spaces_.flush();
  EXPECT_FALSE(knows(6 * kPage));
  EXPECT_FALSE(knows(7 * kPage));
  enter(1);
  EXPECT_FALSE(knows(5 * kPage));
}

TEST_F(AddressSpacesTest, AFlushOfAnAsidKeepsOtherSpacesAndGlobalPages) {
  touch(5 * kPage);
  enter(2);
  touch(5 * kPage);
  touch(6 * kPage, true);
  spaces_.flush_asid(2);
  EXPECT_FALSE(knows(5 * kPage));
  EXPECT_TRUE(in_shared(6 * kPage));
  EXPECT_TRUE(behind(6 * kPage));
  enter(1);
  EXPECT_TRUE(in_own(5 * kPage));
  spaces_.flush_asid(2);
  EXPECT_TRUE(in_own(5 * kPage));
}

TEST_F(AddressSpacesTest, AFlushOfAnAsidReachesASpaceThatIsNotThePresentOne) {
  touch(5 * kPage);
  enter(2);
  spaces_.flush_asid(1);
  enter(1);
  EXPECT_FALSE(knows(5 * kPage));
}

TEST_F(AddressSpacesTest, AFlushOfARangeReachesAllSpacesAndGlobalPages) {
  touch(5 * kPage);
  touch(6 * kPage);
  enter(2);
  touch(5 * kPage, true);
  spaces_.flush(VirtualRange{5 * kPage + 8, 5 * kPage + 8});
  EXPECT_FALSE(knows(5 * kPage));
  enter(1);
  EXPECT_FALSE(knows(5 * kPage));
  EXPECT_TRUE(in_own(6 * kPage));
}

TEST_F(AddressSpacesTest, AFlushOfARangeOfAnAsidKeepsTheRestOfIt) {
  touch(5 * kPage);
  touch(6 * kPage);
  spaces_.flush_asid({5 * kPage, 5 * kPage}, 1);
  EXPECT_FALSE(knows(5 * kPage));
  EXPECT_TRUE(in_own(6 * kPage));
  EXPECT_TRUE(behind(6 * kPage));
  spaces_.flush_asid({6 * kPage, 6 * kPage}, 99);
  EXPECT_TRUE(in_own(6 * kPage));
}

TEST_F(AddressSpacesTest, AFlushOfAnyAddressOfALargeLeafForgetsAllOfItsPages) {
  for (const bool is_global : {false, true}) {
    touch(4 * kMega + 3 * kPage, is_global, kMega);
    touch(4 * kMega + 9 * kPage, is_global, kMega);
    touch(6 * kMega, is_global);
    if (is_global)
      spaces_.flush(VirtualRange{4 * kMega + 500 * kPage, 4 * kMega + 500 * kPage});
    else
      spaces_.flush_asid({4 * kMega + 500 * kPage, 4 * kMega + 500 * kPage}, 1);
    EXPECT_FALSE(knows(4 * kMega + 3 * kPage));
    EXPECT_FALSE(knows(4 * kMega + 9 * kPage));
    EXPECT_TRUE(in_own(6 * kMega));
  }
}

TEST_F(AddressSpacesTest, AFlushOfAVeryLargeLeafForgetsAllOfItsPages) {
  constexpr uint64_t kGiga = uint64_t{1} << 30;
  touch(kGiga + 3 * kPage, true, kGiga);
  touch(kGiga + 200'000 * kPage, true, kGiga);
  spaces_.flush(VirtualRange{kGiga, kGiga});
  EXPECT_FALSE(knows(kGiga + 3 * kPage));
  EXPECT_FALSE(knows(kGiga + 200'000 * kPage));
}

TEST_F(AddressSpacesTest, DroppedWritesAreAskedForAgainInEverySpace) {
  touch(5 * kPage);
  enter(2);
  touch(6 * kPage, true);
  spaces_.drop_writes(kWrite);
  EXPECT_EQ(spaces_.find(6 * kPage).flags, kFlags & ~kWrite);
  EXPECT_NE(spaces_.shared(0).entries()[6].write, 6 * kPage);
  enter(1);
  EXPECT_TRUE(in_own(5 * kPage));
  EXPECT_NE(spaces_.own().entries()[5].write, 5 * kPage);
}

TEST_F(AddressSpacesTest, AddressesThatAreNotCanonicalAreNeverFound) {
  touch(5 * kPage);
  EXPECT_FALSE(behind(5 * kPage | uint64_t{1} << 60));
  EXPECT_FALSE(behind(5 * kPage | uint64_t{1} << 63));
}

TEST_F(AddressSpacesTest, NumbersOfSpacesRunOutWithoutHarm) {
  touch(5 * kPage);
  for (uint64_t i = 0; i <= SecondLevelTlb::kMostSpaces; ++i) {
    spaces_.flush_asid(2);
    enter(2);
    enter(1);
    spaces_.flush_asid(2);
  }
  touch(6 * kPage);
  EXPECT_TRUE(behind(6 * kPage));
  EXPECT_FALSE(behind(7 * kPage));
  enter(2);
  EXPECT_FALSE(knows(6 * kPage));
  EXPECT_FALSE(knows(5 * kPage));
}

TEST_F(AddressSpacesTest, ASetKeepsItsNewestPages) {
  std::vector<uint64_t> pages;
  for (uint64_t i = 0; i <= SecondLevelTlb::kWays; ++i) {
    const uint64_t number = i * SecondLevelTlb::kSets;
    pages.push_back((number | (number >> 11)) * kPage);  // all in set 0
    touch(pages.back());
  }
  EXPECT_FALSE(behind(pages.front()));
  for (size_t i = 1; i < pages.size(); ++i) EXPECT_TRUE(behind(pages[i])) << i;
}

}  // namespace
}  // namespace emu::mmu
