#include "emu/riscv/pmp.h"

#include "tests/unit/emu/riscv/privileged.h"

namespace emu::riscv::test {
namespace {

constexpr uint8_t kTor = 0x08, kNa4 = 0x10, kNapot = 0x18, kLock = 0x80;
constexpr Privilege kS = Privilege::supervisor;
constexpr Privilege kM = Privilege::machine;

TEST(Pmp, WithoutEntriesOnlyMachineModeHasAccess) {
  Pmp pmp;
  EXPECT_EQ(pmp.check(kRam, 8, kM).allowed, permission::kAll);
  EXPECT_EQ(pmp.check(kRam, 8, kS).allowed, 0);
}

TEST(Pmp, MatchesWordsRangesAndPowersOfTwoToTheByte) {
  CsrState csr;
  csr.pmpaddr = {kRam >> 2, (kRam + 0x100) >> 2, (kRam + 0x180) >> 2, (kRam + 0x200) >> 2 | 7};
  csr.pmpcfg = {kNa4 | 1, 0, kTor | 3, kNapot | 4};
  Pmp pmp;
  pmp.update(csr);
  EXPECT_EQ(pmp.check(kRam, 4, kS).allowed, permission::kRead);
  EXPECT_EQ(pmp.check(kRam + 4, 4, kS).allowed, 0);
  EXPECT_EQ(pmp.check(kRam + 0xfc, 4, kS).allowed, 0);
  EXPECT_EQ(pmp.check(kRam + 0x100, 8, kS).allowed, permission::kRead | permission::kWrite);
  EXPECT_EQ(pmp.check(kRam + 0x178, 8, kS).allowed, permission::kRead | permission::kWrite);
  EXPECT_EQ(pmp.check(kRam + 0x180, 4, kS).allowed, 0);
  EXPECT_EQ(pmp.check(kRam + 0x23c, 4, kS).allowed, permission::kExecute);
  EXPECT_EQ(pmp.check(kRam + 0x240, 4, kS).allowed, 0);
}

TEST(Pmp, TheFirstMatchingEntryDecidesAndMustCoverAllOfTheAccess) {
  CsrState csr;
  csr.pmpaddr = {kRam >> 2, ~uint64_t{0} >> 10};
  csr.pmpcfg = {kNa4, kNapot | 7};
  Pmp pmp;
  pmp.update(csr);
  EXPECT_EQ(pmp.check(kRam, 4, kS).allowed, 0);
  EXPECT_EQ(pmp.check(kRam, 8, kS).allowed, 0) << "covered in part";
  EXPECT_FALSE(pmp.check(kRam, 4096, kS).uniform);
  EXPECT_EQ(pmp.check(kRam + 8, 8, kS).allowed, permission::kAll);
}

TEST(Pmp, LockedEntriesBindMachineMode) {
  CsrState csr;
  csr.pmpaddr = {kRam >> 2 | 0x1ff};
  csr.pmpcfg = {kNapot | kLock | 1};
  Pmp pmp;
  pmp.update(csr);
  EXPECT_EQ(pmp.check(kRam, 8, kM).allowed, permission::kRead);
  csr.pmpcfg = {kNapot | 1};
  pmp.update(csr);
  EXPECT_EQ(pmp.check(kRam, 8, kM).allowed, permission::kAll);
}

TEST(Pmp, LockedRegistersKeepTheirValues) {
  Board board;
  HartState& state = board.state();
  write_csr(state, 0x3b0, 0x1000);
  write_csr(state, 0x3b1, 0x2000);
  write_csr(state, 0x3a0, uint64_t{kTor | kLock | 1} << 8);
  write_csr(state, 0x3a0, 0);
  write_csr(state, 0x3b0, 7);
  write_csr(state, 0x3b1, 7);
  EXPECT_EQ(read_csr(state, 0x3a0), uint64_t{kTor | kLock | 1} << 8);
  EXPECT_EQ(read_csr(state, 0x3b0), 0x1000u) << "the bottom of a locked range";
  EXPECT_EQ(read_csr(state, 0x3b1), 0x2000u);
}

TEST(Pmp, WriteWithoutReadIsReservedAndAddressesHave54Bits) {
  Board board;
  HartState& state = board.state();
  write_csr(state, 0x3a2, 0x1a);
  EXPECT_EQ(read_csr(state, 0x3a2), 0u);
  write_csr(state, 0x3bf, ~uint64_t{0});
  EXPECT_EQ(read_csr(state, 0x3bf), ~uint64_t{0} >> 10);
}

TEST(Pmp, ADeniedAccessFaultsAlsoAfterItsPageWasCached) {
  PagedBoard board;
  board.map_page(leaf::kAll);
  EXPECT_EQ(board.cause(Access::load), -1);
  board.enter(kM);
  write_csr(board.state(), 0x3a0, 0x18);
  board.enter(kS);
  EXPECT_EQ(board.cause(Access::load), 5);
}

TEST(Pmp, APageThatAnEntrySplitsIsCheckedAtEachAccess) {
  PagedBoard board;
  board.state().csr.satp = 0;
  board.enter(kM);
  write_csr(board.state(), 0x3b0, (PagedBoard::kTarget + 8) >> 2);
  write_csr(board.state(), 0x3b1, ~uint64_t{0});
  write_csr(board.state(), 0x3a0, 0x1f10);
  board.enter(kS);
  EXPECT_EQ(board.cause(Access::load, PagedBoard::kTarget), -1);
  EXPECT_EQ(board.cause(Access::load, PagedBoard::kTarget + 8), 5);
  EXPECT_EQ(board.cause(Access::store, PagedBoard::kTarget + 8), 7);
}

}  // namespace
}  // namespace emu::riscv::test
