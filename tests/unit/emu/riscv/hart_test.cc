#include <algorithm>
#include <chrono>
#include <ctime>

#include "emu/riscv/irq_pins.h"
#include "tests/unit/emu/riscv/privileged.h"

namespace emu::riscv::test {
namespace {

using namespace std::chrono_literals;

constexpr uint64_t kHandler = kRam + 0x400;
constexpr uint64_t kInterruptBit = uint64_t{1} << 63;

/// Runs hart `id` on a thread of its own for as long as it lives.
class Running {
 public:
  Running(Board& board, size_t id) : hart_(board.hart(id)), thread_([this] { EXPECT_TRUE(hart_.run().has_value()); }) {}
  ~Running() { stop(); }
  void stop() {
    hart_.request_exit();
    if (thread_.joinable()) thread_.join();
  }

 private:
  Hart& hart_;
  std::thread thread_;
};

template <typename Condition>
bool eventually(Condition&& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(10us);
  }
  return true;
}

/// Instructions that put an SBI extension and function into a7 and a6.
uint32_t load_upper(uint8_t rd, uint32_t value) {
  return insn(Op::lui, {.rd = rd, .imm = static_cast<int32_t>((value + 0x800) & ~0xfffu)});
}
uint32_t add_lower(uint8_t rd, uint32_t value) {
  return insn(Op::addi, {.rd = rd, .rs1 = rd, .imm = static_cast<int32_t>(value << 20) >> 20});
}

TEST(Hart, ARequestedExitEndsALoop) {
  Board board;
  board.state().x[9] = kRam + 0x1000;
  board.put(kRam, {insn(Op::sd, {.rs1 = 9, .rs2 = 9}), insn(Op::jal, {.imm = 0})});
  Running running(board, 0);
  EXPECT_TRUE(eventually([&] { return board.get64(kRam + 0x1000) != 0; }));
  running.stop();
  EXPECT_EQ(board.state().pc, kRam + 4);
  EXPECT_GT(board.state().retired, 1u);
}

TEST(Hart, ARequestedExitEndsATrapLoop) {
  Board board;
  board.state().csr.mtvec = 0x1000;  // nothing is there
  board.put(kRam, {insn(Op::ebreak, {})});
  board.state().x[9] = kRam + 0x1000;
  board.put(kRam, {insn(Op::sd, {.rs1 = 9, .rs2 = 9}), insn(Op::ebreak, {})});
  Running running(board, 0);
  EXPECT_TRUE(eventually([&] { return board.get64(kRam + 0x1000) != 0; }));
  std::this_thread::sleep_for(1ms);
  running.stop();
  EXPECT_EQ(board.state().pc, 0x1000u);
  EXPECT_EQ(board.state().csr.mcause, 1u);
}

TEST(Hart, AnExitRequestedEarlierEndsTheNextRun) {
  Board board;
  board.hart().request_exit();
  const auto exit = board.hart().run();
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->reason, hv::Exit::Reason::requested);
}

TEST(Hart, WfiSleepsUntilAnInterruptOfAnotherThread) {
  Board board;
  board.state().csr.mie = 1u << 11;
  board.put(kRam, {insn(Op::wfi, {})});
  put_stop(board, kRam + 4);
  const auto start = std::chrono::steady_clock::now();
  std::thread device([&] {
    std::this_thread::sleep_for(20ms);
    board.hart().set_interrupt(irq::kMachineExternal, true);
  });
  board.run();
  device.join();
  EXPECT_GE(std::chrono::steady_clock::now() - start, 20ms);
}

TEST(Hart, WfiCostsNoProcessorTimeAndAnExitEndsIt) {
  Board board;
  board.put(kRam, {insn(Op::wfi, {}), insn(Op::jal, {.imm = -4})});
  timespec used{};
  std::thread vcpu([&] {
    EXPECT_TRUE(board.hart().run().has_value());
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  });
  std::this_thread::sleep_for(100ms);
  board.hart().request_exit();
  vcpu.join();
  EXPECT_EQ(used.tv_sec, 0);
  EXPECT_LT(used.tv_nsec, 20'000'000);
}

TEST(Hart, NoWakeUpIsLost) {
  Board board;
  board.state().csr.mie = 1u << 3;
  // Waits, counts in x8, says so at kRam + 0x1000, waits for the interrupt to go and says that at kRam + 0x1008.
  board.state().x[9] = kRam + 0x1000;
  board.put(kRam, {insn(Op::wfi, {}), insn(Op::addi, {.rd = 8, .rs1 = 8, .imm = 1}), insn(Op::sd, {.rs1 = 9, .rs2 = 8}),
                   insn(Op::csrrs, {.rd = 6, .imm = 0x344}), insn(Op::bne, {.rs1 = 6, .imm = -4}),
                   insn(Op::sd, {.rs1 = 9, .rs2 = 8, .imm = 8}), insn(Op::jal, {.imm = -24})});
  Running running(board, 0);
  for (uint64_t round = 1; round <= 500; ++round) {
    board.hart().set_interrupt(irq::kMachineSoftware, true);
    ASSERT_TRUE(eventually([&] { return board.get64(kRam + 0x1000) >= round; })) << round;
    board.hart().set_interrupt(irq::kMachineSoftware, false);
    ASSERT_TRUE(eventually([&] { return board.get64(kRam + 0x1008) >= round; })) << round;
  }
}

TEST(Hart, TheSupervisorTimerInterruptsAtItsTime) {
  Board board(1, Firmware::built_in);
  HartState& state = board.state();
  state.csr.stvec = kHandler;
  state.csr.mie = csr::interrupt::kStip;
  state.csr.mstatus |= csr::mstatus::kSie;
  const uint64_t deadline = board.clock.ticks() + 200'000;  // 20 ms
  board.put(kRam, {insn(Op::wfi, {}), insn(Op::jal, {.imm = 0})});
  put_stop(board, kHandler);
  write_csr(state, 0x14d, deadline);
  board.run();
  EXPECT_GE(board.clock.ticks(), deadline);
  EXPECT_EQ(state.csr.scause, kInterruptBit | 5);
  EXPECT_EQ(state.csr.sepc, kRam + 4);
}

TEST(Hart, AnInterruptEntersMachineModeInTheMiddleOfALoop) {
  Board board;
  HartState& state = board.state();
  state.csr.mtvec = kHandler;
  state.csr.mie = 1u << 7;
  state.csr.mstatus |= csr::mstatus::kMie;
  board.put(kRam, {insn(Op::jal, {.imm = 0})});
  put_stop(board, kHandler);
  std::thread timer([&] {
    std::this_thread::sleep_for(5ms);
    board.hart().set_interrupt(irq::kMachineTimer, true);
  });
  board.run();
  timer.join();
  EXPECT_EQ(state.csr.mcause, kInterruptBit | 7);
  EXPECT_EQ(state.csr.mepc, kRam);
}

TEST(Hart, AStoppedHartBeginsWhereAnotherStartsIt) {
  Board board(2, Firmware::built_in);
  const uint64_t entry = kRam + 0x800;
  const uint64_t mailbox = kRam + 0x1000;
  board.state(1).x[9] = mailbox;
  board.state(1).csr.satp = uint64_t{8} << 60;
  board.put(entry, {insn(Op::sd, {.rs1 = 9, .rs2 = 10}), insn(Op::sd, {.rs1 = 9, .rs2 = 11, .imm = 8}),
                    insn(Op::jal, {.imm = 0})});
  Running running(board, 1);
  EXPECT_TRUE(board.hart(1).start({.pc = entry, .argument = 0x77}));
  EXPECT_TRUE(eventually([&] { return board.get64(mailbox + 8) == 0x77; }));
  running.stop();
  EXPECT_EQ(board.get64(mailbox), 1u);
  EXPECT_EQ(board.state(1).csr.satp, 0u);
  EXPECT_EQ(board.state(1).privilege, Privilege::supervisor);
}

TEST(Hart, StopsItselfAndIsStartedAgain) {
  Board board(2, Firmware::built_in);
  const uint64_t mailbox = kRam + 0x1000;
  board.state(1).x[9] = mailbox;
  // Stores a1, then calls HSM hart_stop.
  board.put(kRam, {insn(Op::sd, {.rs1 = 9, .rs2 = 11}), load_upper(17, 0x48534d), add_lower(17, 0x48534d),
                   insn(Op::addi, {.rd = 16, .imm = 1}), insn(Op::ecall, {}), insn(Op::jal, {.imm = 0})});
  Running running(board, 1);
  for (uint64_t round = 1; round <= 200; ++round) {
    ASSERT_TRUE(eventually([&] { return board.hart(1).start({.pc = kRam, .argument = round}); }));
    ASSERT_TRUE(eventually([&] { return board.get64(mailbox) == round; }));
  }
}

TEST(Hart, RemoteFencesReachRunningHarts) {
  Board board(2, Firmware::built_in);
  board.put(kRam + 0x800, {insn(Op::sd, {.rs1 = 11, .rs2 = 11}), insn(Op::jal, {.imm = 0})});
  board.hart(1).start({.pc = kRam + 0x800, .argument = kRam + 0x1000});
  const uint64_t epoch = board.state(1).code_epoch;
  {
    Running running(board, 1);
    ASSERT_TRUE(eventually([&] { return board.get64(kRam + 0x1000) != 0; }));
    board.put(kRam + 0x900, {0});  // in the page of its code
    HartState& caller = board.state(0);
    caller.x[10] = 0b10;
    caller.x[11] = 0;
    caller.x[16] = 0;
    caller.x[17] = 0x52464e43;
    ecall(caller, {.length = 4});
    EXPECT_EQ(caller.x[10], 0u);
  }
  EXPECT_EQ(board.state(1).code_epoch, epoch + 1);
}

TEST(Hart, ARunningHartMarksItsPageAgainAfterEachTimeTheDirtyPagesAreTaken) {
  Board board;
  board.state().x[9] = kRam + 0x1000;
  board.put(kRam, {insn(Op::addi, {.rd = 8, .rs1 = 8, .imm = 1}), insn(Op::sd, {.rs1 = 9, .rs2 = 8}),
                   insn(Op::jal, {.imm = -8})});
  const hv::GuestMemory::Region& region = board.memory->regions()[0];
  Running running(board, 0);
  ASSERT_TRUE(eventually([&] { return board.get64(kRam + 0x1000) != 0; }));
  for (int round = 0; round < 200; ++round) {
    EXPECT_EQ(board.memory->take_dirty(region)[0] & 2, 2u) << round;
    EXPECT_TRUE(eventually([&] { return board.memory->is_dirty({kRam + 0x1000}); })) << round;
  }
}

TEST(Hart, HartsThatFenceEachOtherAllGoOn) {
  constexpr size_t kHarts = 4;
  Board board(kHarts, Firmware::built_in);
  // 500 times: all harts' translations; then each adds 1 at x9, and the last one stops the board.
  board.put(kRam, {load_upper(17, 0x52464e43), add_lower(17, 0x52464e43), insn(Op::addi, {.rd = 16, .imm = 1}),
                   insn(Op::addi, {.rd = 10, .imm = 0}), insn(Op::addi, {.rd = 11, .imm = -1}), insn(Op::ecall, {}),
                   insn(Op::addi, {.rd = 8, .rs1 = 8, .imm = -1}), insn(Op::bne, {.rs1 = 8, .imm = -16}),
                   insn(Op::addi, {.rd = 6, .imm = 1}), insn(Op::amoadd_d, {.rd = 7, .rs1 = 9, .rs2 = 6}),
                   insn(Op::addi, {.rd = 6, .imm = kHarts - 1}), insn(Op::bne, {.rs1 = 7, .rs2 = 6})});
  put_stop(board, kRam + 48);
  for (size_t id = 0; id < kHarts; ++id) {
    board.state(id).x[8] = 500;
    board.state(id).x[9] = kRam + 0x1000;
    board.hart(id).start({.pc = kRam, .argument = 0});
  }
  board.run();
  EXPECT_EQ(board.get64(kRam + 0x1000), kHarts);
}

TEST(Hart, ItsStateSurvivesSavingAndLoading) {
  Board board(2);
  HartState& state = board.state();
  for (size_t i = 1; i < 32; ++i) state.x[i] = i * 0x0101'0101;
  state.f[7] = 0x4000'0000'0000'0000;
  state.fp.frm = 2;
  state.fp.flags = 5;
  state.pc = kRam + 0x20;
  state.privilege = Privilege::supervisor;
  state.retired = 12345;
  state.mip = csr::interrupt::kSsip;
  state.csr.mscratch = 99;
  state.csr.satp = uint64_t{8} << 60 | 0x80100;
  state.csr.pmpcfg[3] = 0x1f;
  state.csr.instret_offset = -7;
  hv::StateWriter writer;
  board.hart(0).save(writer);

  hv::StateReader reader(writer.data());
  ASSERT_TRUE(board.hart(1).load(reader).has_value());

  hv::StateWriter again;
  board.hart(1).save(again);
  EXPECT_TRUE(std::ranges::equal(writer.data(), again.data()));
  EXPECT_EQ(board.state(1).x[31], 31 * 0x0101'0101u);
  EXPECT_EQ(board.state(1).pc, state.pc);
  EXPECT_EQ(board.state(1).privilege, Privilege::supervisor);
}

TEST(Hart, AStateThatCannotBeIsRefused) {
  Board board;
  const auto is_refused = [&](uint64_t CsrState::*field, uint64_t value) {
    const uint64_t before = std::exchange(board.state().csr.*field, value);
    hv::StateWriter writer;
    board.hart().save(writer);
    board.state().csr.*field = before;
    hv::StateReader reader(writer.data());
    return !board.hart().load(reader).has_value();
  };
  EXPECT_TRUE(is_refused(&CsrState::satp, uint64_t{3} << 60));
  EXPECT_TRUE(is_refused(&CsrState::mstatus, uint64_t{2} << csr::mstatus::kMppShift)) << "no such previous mode";
}

TEST(HartGroup, HasAsManyHartsAsItCan) {
  Board board;
  const HartEnvironment environment{*board.memory, board.bus, board.clock, board.alarms, board, nullptr};
  EXPECT_FALSE(HartGroup::create(0, Firmware::guest, environment).has_value());
  EXPECT_FALSE(HartGroup::create(17, Firmware::guest, environment).has_value());
  EXPECT_TRUE(HartGroup::create(16, Firmware::guest, environment).has_value());
}

}  // namespace
}  // namespace emu::riscv::test
