#include "emu/riscv/interrupts.h"
#include "tests/unit/emu/riscv/privileged.h"

namespace emu::riscv::test {
namespace {

using namespace csr;

constexpr uint64_t kHandler = kRam + 0x400;
constexpr uint64_t kInterruptBit = uint64_t{1} << 63;
constexpr Insn kInsn{.raw = 0x1234, .length = 4};

uint64_t mpp(Privilege privilege) { return static_cast<uint64_t>(privilege) << mstatus::kMppShift; }

TEST(Trap, AnExceptionGoesToMachineModeAndMretComesBack) {
  Board board;
  HartState& state = board.state();
  state.csr.mtvec = kHandler | 1;
  state.csr.mstatus |= mstatus::kMie;
  state.privilege = Privilege::user;
  state.pc = kRam + 0x20;
  raise(state, Cause::load_page_fault, 0x55);
  EXPECT_EQ(state.pc, kHandler) << "exceptions are not vectored";
  EXPECT_EQ(state.privilege, Privilege::machine);
  EXPECT_EQ(state.csr.mcause, 13u);
  EXPECT_EQ(state.csr.mtval, 0x55u);
  EXPECT_EQ(state.csr.mstatus & (mstatus::kMpp | mstatus::kMie | mstatus::kMpie), mstatus::kMpie);

  mret(state, kInsn);

  EXPECT_EQ(state.pc, kRam + 0x20);
  EXPECT_EQ(state.privilege, Privilege::user);
  EXPECT_EQ(state.csr.mstatus & (mstatus::kMpp | mstatus::kMie | mstatus::kMpie), mstatus::kMie | mstatus::kMpie);
}

TEST(Trap, DelegatedExceptionsGoToTheSupervisorExceptFromMachineMode) {
  Board board;
  HartState& state = board.state();
  state.csr.medeleg = 1u << 3;
  state.csr.stvec = kHandler;
  state.csr.mtvec = kHandler + 0x100;
  state.csr.mstatus |= mstatus::kSie;
  state.privilege = Privilege::supervisor;
  state.pc = kRam + 0x20;
  ebreak(state, kInsn);
  EXPECT_EQ(state.pc, kHandler);
  EXPECT_EQ(state.privilege, Privilege::supervisor);
  EXPECT_EQ(state.csr.scause, 3u);
  EXPECT_EQ(state.csr.sepc, kRam + 0x20);
  EXPECT_EQ(state.csr.mstatus & (mstatus::kSpp | mstatus::kSie | mstatus::kSpie), mstatus::kSpp | mstatus::kSpie);
  state.privilege = Privilege::machine;
  ebreak(state, kInsn);
  EXPECT_EQ(state.pc, kHandler + 0x100);
}

TEST(Trap, SretReturnsToUserModeAndEndsMprv) {
  Board board;
  HartState& state = board.state();
  state.csr.sepc = kRam + 0x40;
  state.csr.mstatus |= mstatus::kMprv | mstatus::kSpie;
  sret(state, kInsn);
  EXPECT_EQ(state.privilege, Privilege::user);
  EXPECT_EQ(state.pc, kRam + 0x40);
  EXPECT_EQ(state.csr.mstatus & (mstatus::kMprv | mstatus::kSie | mstatus::kSpie), mstatus::kSie | mstatus::kSpie);
}

TEST(Trap, MretToMachineModeKeepsMprv) {
  Board board;
  HartState& state = board.state();
  state.csr.mstatus |= mstatus::kMprv | mpp(Privilege::machine);
  mret(state, kInsn);
  EXPECT_EQ(state.privilege, Privilege::machine);
  EXPECT_EQ(state.csr.mstatus & (mstatus::kMprv | mstatus::kMpp), mstatus::kMprv);
}

TEST(Trap, SystemInstructionsAreIllegalWhereMstatusTrapsThem) {
  struct Row {
    void (*execute)(HartState&, const Insn&) noexcept;
    uint64_t bit;
  };
  for (const auto& [execute, bit] : {Row{sret, mstatus::kTsr}, Row{wfi, mstatus::kTw}, Row{sfence_vma, mstatus::kTvm},
                                     Row{sinval_vma, mstatus::kTvm}, Row{mret, 0}}) {
    Board board;
    HartState& state = board.state();
    state.csr.mstatus |= bit;
    state.privilege = Privilege::supervisor;
    execute(state, kInsn);
    EXPECT_TRUE(state.trapped);
    EXPECT_EQ(state.csr.mcause, 2u);
    EXPECT_EQ(state.csr.mtval, kInsn.raw);
  }
}

TEST(Trap, UserModeHasNoSystemInstructions) {
  for (const auto execute : {sret, wfi, sfence_vma, sinval_vma, sfence_w_inval, sfence_inval_ir, mret}) {
    Board board;
    board.state().privilege = Privilege::user;
    execute(board.state(), kInsn);
    EXPECT_EQ(board.state().csr.mcause, 2u);
  }
}

TEST(Trap, EnvironmentCallsNameTheirMode) {
  Board board;
  HartState& state = board.state();
  for (const auto& [privilege, cause] :
       {std::pair{Privilege::user, 8u}, {Privilege::supervisor, 9u}, {Privilege::machine, 11u}}) {
    state.privilege = privilege;
    state.pc = kRam;
    ecall(state, kInsn);
    EXPECT_EQ(state.csr.mcause, cause);
    EXPECT_EQ(state.csr.mepc, kRam);
  }
}

TEST(Interrupts, AreTakenInTheOrderOfTheSpecification) {
  Board board;
  HartState& state = board.state();
  state.csr.mtvec = kHandler | 1;
  state.csr.mie = interrupt::kAll;
  state.mip = interrupt::kAll;
  for (const unsigned number : {11u, 3u, 7u, 9u, 1u, 5u}) {
    state.csr.mstatus |= mstatus::kMie;
    take_interrupt(state);
    EXPECT_EQ(state.csr.mcause, kInterruptBit | number);
    EXPECT_EQ(state.pc, kHandler + 4 * number);
    state.mip.fetch_and(~(uint64_t{1} << number));
  }
}

TEST(Interrupts, ForMachineModeInterruptTheSupervisorWhateverMieSays) {
  Board board;
  HartState& state = board.state();
  state.csr.mie = state.mip = 1u << 7;
  take_interrupt(state);
  EXPECT_EQ(state.csr.mcause, 0u) << "masked in M-mode";
  state.privilege = Privilege::supervisor;
  take_interrupt(state);
  EXPECT_EQ(state.csr.mcause, kInterruptBit | 7);
}

TEST(Interrupts, DelegatedOnesAreMaskedBySieAndNeverReachMachineMode) {
  Board board;
  HartState& state = board.state();
  state.csr.mideleg = state.csr.mie = state.mip = interrupt::kSeip;
  state.csr.stvec = kHandler;
  state.csr.mstatus |= mstatus::kMie;
  state.pc = kRam;
  take_interrupt(state);
  EXPECT_EQ(state.pc, kRam);
  state.privilege = Privilege::supervisor;
  take_interrupt(state);
  EXPECT_EQ(state.pc, kRam);
  state.csr.mstatus |= mstatus::kSie;
  take_interrupt(state);
  EXPECT_EQ(state.pc, kHandler);
  EXPECT_EQ(state.csr.scause, kInterruptBit | 9);
}

TEST(Interrupts, AreLookedForAfterAnEnablingWrite) {
  Board board;
  HartState& state = board.state();
  board.hart().set_interrupt(hv::IrqPin{3}, true);
  EXPECT_TRUE(service_pending(state));
  EXPECT_EQ(state.pending.load(), 0u);
  write_csr(state, 0x304, 1u << 3);
  write_csr(state, 0x300, mstatus::kMie);
  EXPECT_NE(state.pending.load(), 0u);
  EXPECT_TRUE(service_pending(state));
  EXPECT_EQ(state.csr.mcause, kInterruptBit | 3);
}

}  // namespace
}  // namespace emu::riscv::test
