#include "tests/unit/emu/riscv/privileged.h"

/// Guests that change their code.
namespace emu::riscv::test {
namespace {

constexpr uint64_t kFunction = kRam + 0x1000;
constexpr uint64_t kData = kRam + 0x2000;

/// li a0, `value`; ret
uint64_t returning(int32_t value) {
  const uint64_t load = insn(Op::addi, {.rd = 10, .imm = value});
  const uint64_t back = insn(Op::jalr, {.rs1 = 1});
  return load | back << 32;
}

/// Calls kFunction, stores s1 = x9 to the address in s0 = x8, executes `fence`, calls again and adds both results in
/// a1 = x11.
void put_program(Board& board, uint32_t fence) {
  const auto call = [](int32_t at) {
    return insn(Op::jal, {.rd = 1, .imm = static_cast<int32_t>(kFunction - kRam) - at});
  };
  board.put(kRam, {call(0), insn(Op::addi, {.rd = 11, .rs1 = 10}), insn(Op::sd, {.rs1 = 8, .rs2 = 9}), fence, call(16),
                   insn(Op::add, {.rd = 11, .rs1 = 11, .rs2 = 10})});
  put_stop(board, kRam + 24);
  board.put64(kFunction, returning(5));
}

TEST(Code, IsSeenAfterAFence) {
  Board board;
  put_program(board, insn(Op::fence_i, {}));
  board.state().x[8] = kFunction;
  board.state().x[9] = returning(70);
  board.run();
  EXPECT_EQ(board.state().x[11], 75u);
}

TEST(Code, IsSeenAfterEachOfManyFences) {
  Board board;
  // Adds 1 to the immediate of the first instruction (s1) and calls it, a hundred times: x12 counts, x11 sums.
  board.put(kRam,
            {insn(Op::add, {.rd = 9, .rs1 = 9, .rs2 = 13}), insn(Op::sw, {.rs1 = 8, .rs2 = 9}), insn(Op::fence_i, {}),
             insn(Op::jal, {.rd = 1, .imm = 0x1000 - 12}), insn(Op::add, {.rd = 11, .rs1 = 11, .rs2 = 10}),
             insn(Op::addi, {.rd = 12, .rs1 = 12, .imm = -1}), insn(Op::bne, {.rs1 = 12, .imm = -24})});
  put_stop(board, kRam + 28);
  board.put64(kFunction, returning(0));
  HartState& state = board.state();
  state.x[8] = kFunction;
  state.x[9] = returning(0) & 0xffff'ffff;
  state.x[11] = 0;
  state.x[12] = 100;
  state.x[13] = 1u << 20;
  board.run();
  EXPECT_EQ(state.x[11], 5050u);
}

TEST(Code, ThatADeviceWroteIsSeenAfterAFence) {
  Board board;
  put_program(board, insn(Op::fence_i, {}));
  board.state().x[8] = kData;
  board.state().x[9] = 1;
  const uint64_t fence = kRam + 12;
  board.put(fence, {insn(Op::jal, {.imm = 0})});  // waits
  std::thread vcpu([&] { EXPECT_TRUE(board.hart().run().has_value()); });
  while (board.get64(kData) == 0) std::this_thread::yield();
  board.hart().request_exit();
  vcpu.join();
  board.put64(kFunction, returning(70));
  board.put(fence, {insn(Op::fence_i, {})});
  // The wait itself is code that has changed.
  fence_i(board.state(), {.length = 0});
  board.run();
  EXPECT_EQ(board.state().x[11], 75u);
}

TEST(Code, ThatDidNotChangeIsNotLookedAtAgain) {
  Board board;
  put_program(board, insn(Op::fence_i, {}));
  board.state().x[8] = kData;
  const uint64_t epoch = board.group->code_pages().epoch();
  board.run();
  EXPECT_EQ(board.state().x[11], 10u);
  EXPECT_EQ(board.group->code_pages().epoch(), epoch);
}

TEST(Code, InAPageWithDataIsSeenAfterAFence) {
  Board board;
  put_program(board, insn(Op::fence_i, {}));
  board.state().x[8] = kFunction + 0x100;
  board.state().x[9] = 1;
  board.run();
  EXPECT_EQ(board.state().x[11], 10u);
  EXPECT_EQ(board.get64(kFunction + 0x100), 1u);
}

/// S-mode may execute what lies below `end` (PMP entry 0), and nothing else.
void close_from(Board& board, uint64_t end) {
  HartState& state = board.state();
  state.privilege = Privilege::machine;
  write_csr(state, 0x3b0, end >> 2);
  write_csr(state, 0x3a0, 0x0f);
  state.privilege = Privilege::supervisor;
  board.hart().update_contexts();
}

/// Runs from kFunction to the first trap, whose handler is kRam, in M-mode.
void run_to_trap(Board& board) {
  put_stop(board, kRam);
  board.state().csr.mtvec = kRam;
  board.state().pc = kFunction;
  board.run();
}

TEST(Code, EndsAtAProtectionBoundaryInsideItsPage) {
  Board board;
  const uint32_t increment = insn(Op::addi, {.rd = 8, .rs1 = 8, .imm = 1});
  board.put(kFunction, {increment, increment, increment, insn(Op::ebreak, {})});
  close_from(board, kFunction + 8);
  run_to_trap(board);
  EXPECT_EQ(board.state().x[8], 2u);
  EXPECT_EQ(board.state().csr.mcause, 1u);
  EXPECT_EQ(board.state().csr.mepc, kFunction + 8);
  EXPECT_EQ(board.state().csr.mtval, kFunction + 8);

  close_from(board, kRam + kRamSize);
  run_to_trap(board);
  EXPECT_EQ(board.state().x[8], 5u);
  EXPECT_EQ(board.state().csr.mcause, 3u);

  close_from(board, kFunction + 4);
  run_to_trap(board);
  EXPECT_EQ(board.state().x[8], 6u) << "code that was decoded when all of it was open";
  EXPECT_EQ(board.state().csr.mepc, kFunction + 4);
}

TEST(Code, AnInstructionAcrossAProtectionBoundaryFaultsAtItsSecondHalf) {
  Board board;
  const uint64_t at = kFunction + 2;
  const uint32_t increment = insn(Op::addi, {.rd = 8, .rs1 = 8, .imm = 1});
  board.put64(kFunction, uint64_t{increment} << 16 | 0x0001);  // c.nop before it
  close_from(board, kFunction + 4);
  run_to_trap(board);
  EXPECT_EQ(board.state().x[8], 0u);
  EXPECT_EQ(board.state().csr.mcause, 1u);
  EXPECT_EQ(board.state().csr.mepc, at);
  EXPECT_EQ(board.state().csr.mtval, kFunction + 4);
}

/// Hart 1 rewrites a function for hart 0 again and again, tells it by a mailbox, and hart 0 executes fence.i and calls.
TEST(Code, WrittenByAnotherHartIsSeenAfterAFence) {
  constexpr uint64_t kRounds = 40;
  Board board(2);
  const uint64_t mailbox = kData;
  const uint64_t answer = kData + 0x1000;
  // Hart 0, x8 = mailbox, x9 = answer: waits until the mailbox differs from x7, fences, calls, answers a0.
  board.put(kRam,
            {insn(Op::ld, {.rd = 6, .rs1 = 8}), insn(Op::beq, {.rs1 = 6, .rs2 = 7, .imm = -4}),
             insn(Op::addi, {.rd = 7, .rs1 = 6}), insn(Op::fence_i, {}), insn(Op::jal, {.rd = 1, .imm = 0x1000 - 16}),
             insn(Op::sd, {.rs1 = 9, .rs2 = 10}), insn(Op::jal, {.imm = -24})});
  // Hart 1, x5 = 1 << 20, x8 = mailbox, x9 = answer, x10 = function, x11 = its first instruction: writes the next one,
  // posts it, waits until the answer is x12, which counts.
  board.put(kRam + 0x800,
            {insn(Op::add, {.rd = 11, .rs1 = 11, .rs2 = 5}), insn(Op::addi, {.rd = 12, .rs1 = 12, .imm = 1}),
             insn(Op::sw, {.rs1 = 10, .rs2 = 11}), insn(Op::fence, {}), insn(Op::sd, {.rs1 = 8, .rs2 = 12}),
             insn(Op::ld, {.rd = 6, .rs1 = 9}), insn(Op::bne, {.rs1 = 6, .rs2 = 12, .imm = -4}),
             insn(Op::bne, {.rs1 = 12, .rs2 = 13, .imm = -28})});
  put_stop(board, kRam + 0x820);
  board.put64(kFunction, returning(0));
  for (size_t hart = 0; hart < 2; ++hart) {
    board.state(hart).x[8] = mailbox;
    board.state(hart).x[9] = answer;
  }
  HartState& writer = board.state(1);
  writer.pc = kRam + 0x800;
  writer.x[5] = 1u << 20;
  writer.x[10] = kFunction;
  writer.x[11] = returning(0) & 0xffff'ffff;
  writer.x[12] = 0;
  writer.x[13] = kRounds;
  board.run();
  EXPECT_EQ(board.get64(answer), kRounds);
}

}  // namespace
}  // namespace emu::riscv::test
