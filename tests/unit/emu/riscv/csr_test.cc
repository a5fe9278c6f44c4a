#include "tests/unit/emu/riscv/privileged.h"

namespace emu::riscv::test {
namespace {

using namespace csr;

TEST(Csr, RegistersThatDoNotExistAreIllegal) {
  Board board;
  for (const unsigned number : {0x015u, 0x3a1u, 0x3c0u, 0x5a8u, 0x7b0u, 0xda0u, 0xfffu})
    EXPECT_FALSE(can_read(board.state(), number)) << std::hex << number;
}

TEST(Csr, AnIllegalAccessReportsTheInstruction) {
  Board board;
  board.state().pc = kRam + 8;
  read_csr(board.state(), 0xfff);
  EXPECT_EQ(board.state().csr.mcause, 2u);
  EXPECT_EQ(board.state().csr.mepc, kRam + 8);
  EXPECT_EQ(board.state().csr.mtval, 0xfffu << 20);
}

TEST(Csr, PrivilegeIsInTheNumber) {
  Board board;
  board.state().privilege = Privilege::supervisor;
  EXPECT_TRUE(can_read(board.state(), 0x140));
  EXPECT_FALSE(can_read(board.state(), 0x340));
  board.state().privilege = Privilege::user;
  EXPECT_FALSE(can_read(board.state(), 0x140));
}

TEST(Csr, ReadOnlyRegistersMayBeReadBySettingNothing) {
  Board board(2);
  EXPECT_EQ(read_csr(board.state(1), 0xf14), 1u);
  EXPECT_FALSE(board.state(1).trapped);
  write_csr(board.state(1), 0xf14, 5);
  EXPECT_TRUE(board.state(1).trapped);
}

TEST(Csr, SetAndClearChangeOnlyTheirBits) {
  Board board;
  HartState& state = board.state();
  write_csr(state, 0x340, 0xf0);
  csrrsi(state, csr_insn(0x340, kRd, 0x0f));
  EXPECT_EQ(state.x[kRd], 0xf0u);
  csrrci(state, csr_insn(0x340, kRd, 0x11));
  EXPECT_EQ(state.x[kRd], 0xffu);
  EXPECT_EQ(read_csr(state, 0x340), 0xeeu);
}

TEST(Csr, TheOperandIsReadBeforeTheDestinationIsWritten) {
  Board board;
  HartState& state = board.state();
  write_csr(state, 0x340, 111);
  state.x[5] = 222;
  csrrw(state, csr_insn(0x340, 5, 5));
  EXPECT_EQ(state.x[5], 111u);
  EXPECT_EQ(read_csr(state, 0x340), 222u);
}

TEST(Csr, MstatusKeepsWhatIsLegal) {
  Board board;
  HartState& state = board.state();
  write_csr(state, 0x300, ~uint64_t{0} & ~(uint64_t{1} << mstatus::kMppShift));  // MPP = 2
  const uint64_t value = read_csr(state, 0x300);
  EXPECT_EQ(value & mstatus::kMpp, 0u);
  EXPECT_EQ(value >> 32 & 0xf, 0xau) << "UXL and SXL are 64 bits";
  EXPECT_EQ(value >> 9 & 3, 0u) << "no vectors";
  EXPECT_EQ(value & mstatus::kSd, mstatus::kSd);
}

TEST(Csr, SstatusShowsTheSupervisorsPartOfMstatus) {
  Board board;
  HartState& state = board.state();
  write_csr(state, 0x300, mstatus::kMpp | mstatus::kMie | mstatus::kTvm);
  write_csr(state, 0x100, ~uint64_t{0});
  EXPECT_EQ(read_csr(state, 0x100), mstatus::kSupervisorWritable | mstatus::kUxl64 | mstatus::kSd);
  EXPECT_EQ(read_csr(state, 0x300) & (mstatus::kMpp | mstatus::kMie | mstatus::kTvm | mstatus::kTsr),
            mstatus::kMpp | mstatus::kMie | mstatus::kTvm);
}

TEST(Csr, FloatingPointStateIsClosedWhileOffAndReadsAsDirtyAfterAWrite) {
  Board board;
  HartState& state = board.state();
  EXPECT_FALSE(can_read(state, 0x003));
  write_csr(state, 0x300, 1u << 13);
  EXPECT_TRUE(state.fp_enabled);
  EXPECT_EQ(read_csr(state, 0x300) & mstatus::kFs, 1u << 13);
  const fp::HostFp host(state.fp);
  write_csr(state, 0x003, 0xff);
  EXPECT_EQ(read_csr(state, 0x003), 0xffu);
  EXPECT_EQ(read_csr(state, 0x001), 0x1fu);
  EXPECT_EQ(read_csr(state, 0x002), 7u);
  EXPECT_EQ(read_csr(state, 0x300) & (mstatus::kFs | mstatus::kSd), mstatus::kFs | mstatus::kSd);
}

TEST(Csr, CountersReadExactlyWhatWasWritten) {
  Board board;
  HartState& state = board.state();
  state.retired = 1000;
  write_csr(state, 0xb02, 5);
  state.retired = 1001;  // the write itself
  EXPECT_EQ(read_csr(state, 0xb02), 5u);
  state.retired = 1011;
  EXPECT_EQ(read_csr(state, 0xb02), 15u);
  EXPECT_EQ(read_csr(state, 0xb00), 1011u) << "mcycle has its own offset";
}

TEST(Csr, InhibitedCountersStandStill) {
  Board board;
  HartState& state = board.state();
  state.retired = 100;
  write_csr(state, 0x320, kInstret);
  const uint64_t before = read_csr(state, 0xb02);
  state.retired = 200;
  EXPECT_EQ(read_csr(state, 0xb02), before);
  EXPECT_EQ(read_csr(state, 0xb00), 200u);
  write_csr(state, 0x320, 0);
  state.retired = 211;
  EXPECT_EQ(read_csr(state, 0xb02), before + 10);
}

TEST(Csr, CountersOpenToLowerModesOneByOne) {
  Board board;
  HartState& state = board.state();
  write_csr(state, 0x306, kTime);
  state.privilege = Privilege::supervisor;
  EXPECT_TRUE(can_read(state, 0xc01));
  EXPECT_FALSE(can_read(state, 0xc00));
  state.privilege = Privilege::user;
  EXPECT_FALSE(can_read(state, 0xc01));
  state.csr.scounteren = kTime;
  EXPECT_TRUE(can_read(state, 0xc01));
}

TEST(Csr, PerformanceCountersOpenToLowerModesOneByOneToo) {
  Board board;
  HartState& state = board.state();
  write_csr(state, 0x306, ~uint64_t{0});
  EXPECT_EQ(read_csr(state, 0x306), 0xffff'ffffu);
  write_csr(state, 0x306, 1u << 31);
  state.privilege = Privilege::supervisor;
  EXPECT_TRUE(can_read(state, 0xc1f));
  EXPECT_FALSE(can_read(state, 0xc03));
  state.privilege = Privilege::user;
  EXPECT_FALSE(can_read(state, 0xc1f));
}

TEST(Csr, SatpIgnoresModesThatDoNotExistAndTrapsWithTvm) {
  Board board;
  HartState& state = board.state();
  const uint64_t sv48 = uint64_t{9} << 60 | uint64_t{0xffff} << 44 | 0x80000;
  write_csr(state, 0x180, sv48);
  write_csr(state, 0x180, uint64_t{5} << 60 | 1);
  EXPECT_EQ(read_csr(state, 0x180), sv48);
  set_csr(state, 0x300, mstatus::kTvm);
  state.privilege = Privilege::supervisor;
  EXPECT_FALSE(can_read(state, 0x180));
}

TEST(Csr, SettingOtherBitsOfMipLeavesTheWireOutOfSeip) {
  Board board;
  HartState& state = board.state();
  board.hart().set_interrupt(hv::IrqPin{9}, true);
  set_csr(state, 0x344, interrupt::kSsip);
  EXPECT_EQ(read_csr(state, 0x344), interrupt::kSeip | interrupt::kSsip);
  board.hart().set_interrupt(hv::IrqPin{9}, false);
  EXPECT_EQ(read_csr(state, 0x344), interrupt::kSsip);
  set_csr(state, 0x344, interrupt::kSeip);
  EXPECT_EQ(read_csr(state, 0x344), interrupt::kSsip | interrupt::kSeip);
}

TEST(Csr, SipAndSieShowWhatIsDelegated) {
  Board board;
  HartState& state = board.state();
  write_csr(state, 0x303, interrupt::kSsip | interrupt::kSeip);
  write_csr(state, 0x304, ~uint64_t{0});
  EXPECT_EQ(read_csr(state, 0x304), interrupt::kAll);
  EXPECT_EQ(read_csr(state, 0x104), interrupt::kSsip | interrupt::kSeip);
  write_csr(state, 0x104, 0);
  EXPECT_EQ(read_csr(state, 0x304), interrupt::kAll & ~(interrupt::kSsip | interrupt::kSeip));
  write_csr(state, 0x144, ~uint64_t{0});
  EXPECT_EQ(read_csr(state, 0x344), interrupt::kSsip);
}

TEST(Csr, TheComparatorOwnsStipWhileStceIsSet) {
  Board board;
  HartState& state = board.state();
  write_csr(state, 0x14d, 0);
  EXPECT_EQ(read_csr(state, 0x344), 0u) << "off: mip.STIP is software's";
  write_csr(state, 0x30a, envcfg::kStce);
  EXPECT_EQ(read_csr(state, 0x344), interrupt::kStip);
  write_csr(state, 0x344, 0);
  EXPECT_EQ(read_csr(state, 0x344), interrupt::kStip);
  write_csr(state, 0x14d, ~uint64_t{0});
  EXPECT_EQ(read_csr(state, 0x344), 0u);
}

TEST(Csr, TheComparatorLeavesStipAloneWhileStceIsOff) {
  Board board;
  HartState& state = board.state();
  write_csr(state, 0x344, interrupt::kStip);
  board.clock.set_ticks(uint64_t{1} << 40);
  board.group->clock_changed();
  write_csr(state, 0x14d, 0);
  EXPECT_EQ(read_csr(state, 0x344), interrupt::kStip);
  write_csr(state, 0x30a, envcfg::kStce);
  write_csr(state, 0x30a, 0);
  EXPECT_EQ(read_csr(state, 0x14d), 0u);
}

TEST(Csr, TheComparatorFollowsAClockThatIsSet) {
  Board board;
  HartState& state = board.state();
  write_csr(state, 0x30a, envcfg::kStce);
  write_csr(state, 0x14d, board.clock.ticks() + (uint64_t{1} << 50));
  EXPECT_EQ(read_csr(state, 0x344), 0u);
  board.clock.set_ticks(uint64_t{1} << 60);
  board.group->clock_changed();
  EXPECT_EQ(read_csr(state, 0x344), interrupt::kStip);
  board.clock.set_ticks(0);
  board.group->clock_changed();
  EXPECT_EQ(read_csr(state, 0x344), 0u);
}

TEST(Csr, StimecmpNeedsStceAndTheTimeCounterInSupervisorMode) {
  Board board;
  HartState& state = board.state();
  state.csr.menvcfg = envcfg::kStce;
  state.privilege = Privilege::supervisor;
  EXPECT_FALSE(can_read(state, 0x14d));
  state.csr.mcounteren = kTime;
  EXPECT_TRUE(can_read(state, 0x14d));
  state.csr.menvcfg = 0;
  EXPECT_FALSE(can_read(state, 0x14d));
}

TEST(Csr, EnvcfgKeepsItsInvalidationModeFromAReservedOne) {
  Board board;
  HartState& state = board.state();
  write_csr(state, 0x10a, 3u << envcfg::kCbieShift);
  write_csr(state, 0x10a, 2u << envcfg::kCbieShift | envcfg::kCbze);
  EXPECT_EQ(read_csr(state, 0x10a), 3u << envcfg::kCbieShift | envcfg::kCbze);
}

TEST(Csr, StateenGuardsWhatTheSupervisorMayConfigure) {
  Board board;
  HartState& state = board.state();
  state.privilege = Privilege::supervisor;
  EXPECT_FALSE(can_read(state, 0x10a));
  EXPECT_FALSE(can_read(state, 0x10c));
  state.csr.mstateen[0] = stateen::kEnvcfg | stateen::kSupervisorStateen;
  EXPECT_TRUE(can_read(state, 0x10a));
  EXPECT_TRUE(can_read(state, 0x10c));
}

TEST(Csr, DelegationLeavesCallsFromMachineModeAndMachineInterruptsOut) {
  Board board;
  HartState& state = board.state();
  write_csr(state, 0x302, ~uint64_t{0});
  write_csr(state, 0x303, ~uint64_t{0});
  EXPECT_EQ(read_csr(state, 0x302) & (1u << 11), 0u);
  EXPECT_EQ(read_csr(state, 0x303), interrupt::kSupervisor);
}

TEST(Csr, TrapVectorsKeepTheirModeFromAReservedOne) {
  Board board;
  write_csr(board.state(), 0x305, kRam | 1);
  write_csr(board.state(), 0x305, (kRam + 0x100) | 2);
  EXPECT_EQ(read_csr(board.state(), 0x305), (kRam + 0x100) | 1);
}

}  // namespace
}  // namespace emu::riscv::test
