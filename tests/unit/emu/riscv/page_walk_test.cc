#include "tests/unit/emu/riscv/privileged.h"

namespace emu::riscv::test {
namespace {

using csr::satp::Mode;
using namespace leaf;

constexpr int kNone = -1;
constexpr int kLoadAccess = 5;
constexpr int kFetchPage = 12;
constexpr int kLoadPage = 13;
constexpr int kStorePage = 15;

TEST(PageWalk, TranslatesAPageInEachMode) {
  for (const Mode mode : {Mode::sv39, Mode::sv48, Mode::sv57}) {
    PagedBoard board(mode);
    board.map_page(kAll);
    board.put64(PagedBoard::kTarget + 0x128, 0x1122'3344'5566'7788);
    EXPECT_EQ(load_slow(board.state(), PagedBoard::kPage + 0x128, 8), 0x1122'3344'5566'7788u);
    EXPECT_FALSE(board.state().trapped);
  }
}

TEST(PageWalk, TranslatesSuperpagesOfEveryLevel) {
  for (const Mode mode : {Mode::sv39, Mode::sv48, Mode::sv57}) {
    PagedBoard board(mode);
    for (unsigned level = 1; level < board.levels(); ++level) {
      const uint64_t size = uint64_t{1} << (12 + 9 * level);
      board.map(0, pte_of(PagedBoard::kTarget & ~(size - 1), kAll), level);
      board.hart().flush_all();
      board.put64(PagedBoard::kTarget, 42 + level);
      EXPECT_EQ(load_slow(board.state(), PagedBoard::kTarget & (size - 1), 8), 42 + level);
      EXPECT_FALSE(board.state().trapped) << "level " << level;
    }
  }
}

TEST(PageWalk, MisalignedSuperpagesFault) {
  PagedBoard board;
  board.map(0, pte_of(kRam + 0x1000, kAll), 1);
  EXPECT_EQ(board.cause(Access::load, 0), kLoadPage);
}

TEST(PageWalk, AnAddressThatIsNotCanonicalFaults) {
  PagedBoard board;
  board.map_page(kAll);
  EXPECT_EQ(board.cause(Access::load, PagedBoard::kPage | uint64_t{1} << 39), kLoadPage);
  EXPECT_EQ(board.fault_address, PagedBoard::kPage | uint64_t{1} << 39);
  EXPECT_EQ(board.cause(Access::fetch, uint64_t{1} << 38), kFetchPage);
}

TEST(PageWalk, MalformedEntriesFaultAsTheAccessTheyServe) {
  const uint64_t malformed[] = {0, kAll & ~kV, kV | kW | kA | kD, kAll | uint64_t{1} << 54, kAll | uint64_t{1} << 60,
                                kV};  // the last points to a table below level 0
  for (const uint64_t flags : malformed) {
    PagedBoard board;
    board.map_page(flags);
    EXPECT_EQ(board.cause(Access::load), kLoadPage) << std::hex << flags;
    EXPECT_EQ(board.cause(Access::store), kStorePage) << std::hex << flags;
    EXPECT_EQ(board.cause(Access::fetch), kFetchPage) << std::hex << flags;
  }
}

TEST(PageWalk, PointersWithLeafBitsFault) {
  for (const uint64_t bit : {kA, kD, kU, kNapot, kNonCacheable}) {
    PagedBoard board;
    board.map_page(kAll);
    const uint64_t pointer = board.get64(PagedBoard::kRoot);
    board.put64(PagedBoard::kRoot, pointer | bit);
    EXPECT_EQ(board.cause(Access::load), kLoadPage) << std::hex << bit;
  }
}

TEST(PageWalk, PermissionsAreThoseOfTheEntry) {
  PagedBoard board;
  board.map_page(kV | kR | kA | kD);
  EXPECT_EQ(board.cause(Access::load), kNone);
  EXPECT_EQ(board.cause(Access::store), kStorePage);
  EXPECT_EQ(board.cause(Access::fetch), kFetchPage);
  board.map_page(kV | kX | kA | kD);
  board.hart().flush_all();
  EXPECT_EQ(board.cause(Access::load), kLoadPage);
  EXPECT_EQ(board.cause(Access::fetch), kNone);
}

TEST(PageWalk, MxrMakesExecutablePagesReadableWhileItIsSet) {
  PagedBoard board;
  board.map_page(kV | kX | kA);
  set_csr(board.state(), 0x100, csr::mstatus::kMxr);
  EXPECT_EQ(board.cause(Access::load), kNone);
  write_csr(board.state(), 0x100, 0);
  EXPECT_EQ(board.cause(Access::load), kLoadPage);
}

TEST(PageWalk, UserPagesOpenToTheSupervisorBySumOnlyAndNeverForFetches) {
  PagedBoard board;
  board.map_page(kAll | kU);
  EXPECT_EQ(board.cause(Access::load), kLoadPage);
  set_csr(board.state(), 0x100, csr::mstatus::kSum);
  EXPECT_EQ(board.cause(Access::load), kNone);
  EXPECT_EQ(board.cause(Access::store), kNone);
  EXPECT_EQ(board.cause(Access::fetch), kFetchPage);
  write_csr(board.state(), 0x100, 0);
  EXPECT_EQ(board.cause(Access::load), kLoadPage);
  board.enter(Privilege::user);
  EXPECT_EQ(board.cause(Access::fetch), kNone);
}

TEST(PageWalk, SupervisorPagesAreClosedToUsers) {
  PagedBoard board;
  board.map_page(kAll);
  board.enter(Privilege::user);
  EXPECT_EQ(board.cause(Access::load), kLoadPage);
  EXPECT_EQ(board.cause(Access::fetch), kFetchPage);
}

TEST(PageWalk, WithoutAdueUnusedAndCleanPagesFault) {
  PagedBoard board;
  board.map_page(kV | kR | kW | kX);
  EXPECT_EQ(board.cause(Access::load), kLoadPage);
  board.map_page(kV | kR | kW | kX | kA);
  EXPECT_EQ(board.cause(Access::load), kNone);
  EXPECT_EQ(board.cause(Access::store), kStorePage);
}

TEST(PageWalk, WithAdueAccessesSetABeforeD) {
  PagedBoard board;
  board.state().csr.menvcfg = csr::envcfg::kAdue;
  const uint64_t slot = board.map_page(kV | kR | kW);
  EXPECT_EQ(board.cause(Access::load), kNone);
  EXPECT_EQ(board.get64(slot) & (kA | kD), kA);
  EXPECT_EQ(board.cause(Access::store), kNone);
  EXPECT_EQ(board.get64(slot) & (kA | kD), kA | kD);
}

TEST(PageWalk, ALoadOfACleanPageDoesNotOpenItToInlineStores) {
  PagedBoard board;
  board.map_page(kV | kR | kW | kA);
  EXPECT_EQ(board.cause(Access::load), kNone);
  const mmu::TlbEntry& entry = board.state().data_tlb[mmu::Tlb::index(PagedBoard::kPage)];
  EXPECT_EQ(entry.read, PagedBoard::kPage);
  EXPECT_EQ(entry.write, mmu::TlbEntry::kNoPage);
}

TEST(PageWalk, NapotLeavesTranslate64KiB) {
  PagedBoard board;
  const uint64_t entry = pte_of(PagedBoard::kTarget + 0x8000, kAll | kNapot);
  for (uint64_t page = 0; page < 16; ++page) board.map(0x1'0000 + page * 0x1000, entry);
  board.put64(PagedBoard::kTarget + 0x5010, 99);
  EXPECT_EQ(load_slow(board.state(), 0x1'5010, 8), 99u);
}

TEST(PageWalk, OtherNapotSizesAndLevelsFault) {
  PagedBoard board;
  board.map_page(kAll | kNapot);
  EXPECT_EQ(board.cause(Access::load), kLoadPage);
  board.map(0x4000'0000, pte_of(kRam, kAll | kNapot), 1);
  EXPECT_EQ(board.cause(Access::load, 0x4000'0000), kLoadPage);
}

TEST(PageWalk, MemoryTypesNeedPbmteAndTheLastOneIsReserved) {
  PagedBoard board;
  board.map_page(kAll | kNonCacheable);
  EXPECT_EQ(board.cause(Access::load), kLoadPage);
  board.state().csr.menvcfg = csr::envcfg::kPbmte;
  EXPECT_EQ(board.cause(Access::load), kNone);
  board.map_page(kAll | kNonCacheable * 3);
  board.hart().flush_all();
  EXPECT_EQ(board.cause(Access::load), kLoadPage);
}

TEST(PageWalk, ATableOutsideRamIsAnAccessFault) {
  PagedBoard board;
  board.put64(PagedBoard::kRoot, pte_of(0x1000, kV));
  EXPECT_EQ(board.cause(Access::load), kLoadAccess);
  EXPECT_EQ(board.cause(Access::store), 7);
  EXPECT_EQ(board.cause(Access::fetch), 1);
}

TEST(PageWalk, ATableThatPmpClosesIsAnAccessFault) {
  PagedBoard board;
  board.map_page(kAll);
  board.state().csr.pmpaddr[1] = board.state().csr.pmpaddr[0];
  board.state().csr.pmpcfg[1] = 0x1f;
  board.state().csr.pmpaddr[0] = (PagedBoard::kRoot >> 2) | 0x1ff;  // 4 KiB without permissions
  board.state().csr.pmpcfg[0] = 0x18;
  board.hart().pmp().update(board.state().csr);
  EXPECT_EQ(board.cause(Access::load), kLoadAccess);
}

TEST(PageWalk, MprvTranslatesMachineModeDataAsThePreviousMode) {
  PagedBoard board;
  board.map_page(kAll | kU);
  board.put64(PagedBoard::kTarget, 7);
  board.enter(Privilege::machine);
  write_csr(board.state(), 0x300, csr::mstatus::kMprv);  // MPP = U
  EXPECT_EQ(load_slow(board.state(), PagedBoard::kPage, 8), 7u);
  EXPECT_EQ(board.cause(Access::fetch), 1);
  write_csr(board.state(), 0x300, csr::mstatus::kMprv | uint64_t{1} << csr::mstatus::kMppShift);
  EXPECT_EQ(board.cause(Access::load), kLoadPage);
}

TEST(PageWalk, AFenceMakesAChangedEntryVisible) {
  PagedBoard board;
  board.map_page(kAll);
  EXPECT_EQ(board.cause(Access::load), kNone);
  board.map_page(0);
  board.state().x[kRs1] = PagedBoard::kPage + 0x123;
  sfence_vma(board.state(), {.rs1 = kRs1, .length = 4});
  EXPECT_EQ(board.cause(Access::load), kLoadPage);
}

TEST(PageWalk, AnotherRootIsAnotherAddressSpace) {
  PagedBoard board;
  board.map_page(kAll);
  EXPECT_EQ(board.cause(Access::load), kNone);
  const uint64_t other = board.state().csr.satp + 0x100;
  write_csr(board.state(), 0x180, other);
  EXPECT_EQ(board.cause(Access::load), kLoadPage);
}

}  // namespace
}  // namespace emu::riscv::test
