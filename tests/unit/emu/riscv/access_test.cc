#include "tests/unit/emu/riscv/privileged.h"

namespace emu::riscv::test {
namespace {

constexpr uint64_t kNoDevice = 0x1000;

TEST(Access, MisalignedAccessesWorkInRamAlsoAcrossPages) {
  Board board;
  const uint64_t address = kRam + 0x1ffd;
  store_slow(board.state(), address, 8, 0x1122'3344'5566'7788);
  EXPECT_EQ(load_slow(board.state(), address, 8), 0x1122'3344'5566'7788u);
  EXPECT_EQ(load_slow(board.state(), address + 2, 2), 0x5566u);
  EXPECT_FALSE(board.state().trapped);
}

TEST(Access, AStoreAcrossPagesWritesNothingIfTheSecondFaults) {
  PagedBoard board;
  board.map_page(leaf::kAll);
  board.put64(PagedBoard::kTarget + 0xff8, 0xaaaa'aaaa'aaaa'aaaa);
  store_slow(board.state(), PagedBoard::kPage + 0xffc, 8, 0);
  EXPECT_TRUE(board.state().trapped);
  EXPECT_EQ(board.state().csr.scause, 15u);
  EXPECT_EQ(board.state().csr.stval, PagedBoard::kPage + 0x1000) << "the part that faulted";
  EXPECT_EQ(board.get64(PagedBoard::kTarget + 0xff8), 0xaaaa'aaaa'aaaa'aaaau);
}

TEST(Access, AnAddressThatNothingClaimsIsAnAccessFault) {
  Board board;
  load_slow(board.state(), kNoDevice, 4);
  EXPECT_EQ(board.state().csr.mcause, 5u);
  store_slow(board.state(), kNoDevice, 4, 0);
  EXPECT_EQ(board.state().csr.mcause, 7u);
  EXPECT_EQ(fetch_slow(board.state(), kStopDevice), nullptr) << "devices hold no code";
  EXPECT_EQ(board.state().csr.mcause, 1u);
  EXPECT_EQ(board.state().csr.mtval, kStopDevice);
}

TEST(Access, DevicesTakeAlignedAccessesOnly) {
  Board board;
  load_slow(board.state(), kStopDevice, 4);
  EXPECT_FALSE(board.state().trapped);
  load_slow(board.state(), kStopDevice + 2, 4);
  EXPECT_EQ(board.state().csr.mcause, 5u);
}

TEST(Access, AtomicsMustBeAlignedAndInRam) {
  Board board;
  EXPECT_EQ(atomic_address(board.state(), kRam + 2, 4, true), nullptr);
  EXPECT_EQ(board.state().csr.mcause, 6u);
  EXPECT_EQ(atomic_address(board.state(), kRam + 4, 8, false), nullptr);
  EXPECT_EQ(board.state().csr.mcause, 4u);
  EXPECT_EQ(atomic_address(board.state(), kStopDevice, 4, true), nullptr);
  EXPECT_EQ(board.state().csr.mcause, 7u);
  EXPECT_EQ(atomic_address(board.state(), kRam + 16, 16, true), board.memory->host_pointer({kRam + 16}, 16));
}

TEST(Access, StoresMarkTheirPagesDirty) {
  Board board;
  const hv::GuestMemory::Region& region = board.memory->regions()[0];
  board.memory->take_dirty(region);
  store_slow(board.state(), kRam + 0x5008, 4, 1);
  EXPECT_TRUE(board.memory->is_dirty({kRam + 0x5000}));
  EXPECT_FALSE(board.memory->is_dirty({kRam + 0x6000}));
}

TEST(Access, ALoadDoesNotMarkItsPageDirty) {
  PagedBoard board;
  board.map_page(leaf::kAll);
  const hv::GuestMemory::Region& region = board.memory->regions()[0];
  board.memory->take_dirty(region);
  load_slow(board.state(), PagedBoard::kPage, 8);
  EXPECT_FALSE(board.memory->is_dirty({PagedBoard::kTarget}));
  store_slow(board.state(), PagedBoard::kPage, 8, 1);
  EXPECT_TRUE(board.memory->is_dirty({PagedBoard::kTarget}));
}

TEST(Access, AStoreAfterTheDirtyPagesWereTakenMarksItsPageAgain) {
  PagedBoard board;
  board.map_page(leaf::kAll);
  const hv::GuestMemory::Region& region = board.memory->regions()[0];
  for (const Privilege privilege : {Privilege::supervisor, Privilege::machine}) {
    board.enter(privilege);
    const uint64_t address = privilege == Privilege::machine ? PagedBoard::kTarget : PagedBoard::kPage;
    store_slow(board.state(), address, 8, 1);
    board.memory->take_dirty(region);
    board.hart().serve_fences();
    EXPECT_FALSE(board.memory->is_dirty({PagedBoard::kTarget}));
    store_slow(board.state(), address, 8, 2);
    EXPECT_TRUE(board.memory->is_dirty({PagedBoard::kTarget}));
  }
}

TEST(Access, CboZeroClearsTheBlockAroundItsAddress) {
  Board board;
  for (uint64_t offset = 0; offset < 192; offset += 8) board.put64(kRam + offset, ~uint64_t{0});
  board.state().x[kRs1] = kRam + 100;
  zero_block(board.state(), board.state().x[kRs1], 0);
  EXPECT_EQ(board.get64(kRam + 56), ~uint64_t{0});
  EXPECT_EQ(board.get64(kRam + 64), 0u);
  EXPECT_EQ(board.get64(kRam + 120), 0u);
  EXPECT_EQ(board.get64(kRam + 128), ~uint64_t{0});
}

TEST(Access, CboZeroReportsTheAddressThatItWasGiven) {
  PagedBoard board;
  board.state().csr.menvcfg = csr::envcfg::kCbze;
  board.state().x[kRs1] = PagedBoard::kPage + 0x25;
  zero_block(board.state(), board.state().x[kRs1], 0);
  EXPECT_EQ(board.state().csr.scause, 15u);
  EXPECT_EQ(board.state().csr.stval, PagedBoard::kPage + 0x25);
}

TEST(Access, CacheOperationsNeedBothEnvironmentsInUserMode) {
  PagedBoard board;
  board.map_page(leaf::kAll | leaf::kU);
  HartState& state = board.state();
  const auto allowed = [&] {
    board.enter(Privilege::user);
    state.trapped = false;
    state.x[kRs1] = PagedBoard::kPage;
    cbo_clean(state, {.raw = 1, .rs1 = kRs1, .length = 4});
    return !state.trapped;
  };
  EXPECT_FALSE(allowed());
  EXPECT_EQ(state.csr.scause, 2u);
  state.csr.menvcfg = csr::envcfg::kCbcfe;
  EXPECT_FALSE(allowed());
  state.csr.senvcfg = csr::envcfg::kCbcfe;
  EXPECT_TRUE(allowed());
}

TEST(Access, CacheManagementNeedsAMappedPage) {
  PagedBoard board;
  board.state().csr.menvcfg = csr::envcfg::kCbcfe;
  board.state().x[kRs1] = PagedBoard::kPage;
  cbo_flush(board.state(), {.rs1 = kRs1, .length = 4});
  EXPECT_EQ(board.state().csr.scause, 15u);
  board.map_page(leaf::kV | leaf::kR | leaf::kA);
  board.state().trapped = false;
  cbo_flush(board.state(), {.rs1 = kRs1, .length = 4});
  EXPECT_FALSE(board.state().trapped) << "readable is enough";
}

}  // namespace
}  // namespace emu::riscv::test
