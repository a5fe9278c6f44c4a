#include "tests/unit/emu/riscv/board.h"

namespace emu::riscv::test {
namespace {

TEST(Interpreter, RunsALoopAndCountsWhatItRetires) {
  Board board;
  board.put(kRam, {insn(Op::addi, {.rd = 6, .imm = 1000}), insn(Op::add, {.rd = 7, .rs1 = 7, .rs2 = 6}),
                   insn(Op::addi, {.rd = 6, .rs1 = 6, .imm = -1}), insn(Op::bne, {.rs1 = 6, .imm = -8})});
  put_stop(board, kRam + 16);

  board.run();

  EXPECT_EQ(board.state().x[7], 500'500u);
  EXPECT_EQ(board.state().retired, 1 + 3 * 1000 + 3u);
}

TEST(Interpreter, SeesNewCodeAfterFenceI) {
  Board board;
  const uint64_t patched = kRam + 0x100;
  board.put(patched, {insn(Op::addi, {.rd = 10, .rs1 = 10, .imm = 1}), insn(Op::jalr, {.rs1 = 1})});
  board.put(kRam, {insn(Op::jal, {.rd = 1, .imm = 0x100}), insn(Op::auipc, {.rd = 6, .imm = 0}),
                   insn(Op::lw, {.rd = 7, .rs1 = 6, .imm = 0x40}), insn(Op::sw, {.rs1 = 6, .rs2 = 7, .imm = 0xfc}),
                   insn(Op::fence_i, {}), insn(Op::jal, {.rd = 1, .imm = 0x100 - 0x14})});
  put_stop(board, kRam + 0x18);
  board.put(kRam + 0x44, {insn(Op::addi, {.rd = 10, .rs1 = 10, .imm = 16})});

  board.run();

  EXPECT_EQ(board.state().x[10], 17u);
}

TEST(Interpreter, RunsAnInstructionThatCrossesAPage) {
  Board board;
  const uint64_t crossing = kRam + 0x1000 - 2;
  board.put(kRam, {insn(Op::jal, {.imm = 0xffe})});
  board.put(crossing, {insn(Op::addi, {.rd = 10, .imm = 77})});
  put_stop(board, crossing + 4);

  board.run();

  EXPECT_EQ(board.state().x[10], 77u);
}

TEST(Interpreter, RaisesIllegalInstructionsWithTheirBits) {
  Board board;
  board.state().csr.mtvec = kRam + 0x200;
  board.put(kRam, {insn(Op::addi, {.rd = 6, .imm = 1}), 0xffff'ffffu});
  put_stop(board, kRam + 0x200);

  board.run();

  EXPECT_EQ(board.state().csr.mcause, 2u);
  EXPECT_EQ(board.state().csr.mtval, 0xffff'ffffu);
  EXPECT_EQ(board.state().csr.mepc, kRam + 4);
}

TEST(Interpreter, AFaultingLoadLeavesItsDestinationAlone) {
  Board board;
  board.state().csr.mtvec = kRam + 0x200;
  board.state().x[10] = 123;
  board.put(kRam, {insn(Op::ld, {.rd = 10, .rs1 = 0, .imm = 64})});
  put_stop(board, kRam + 0x200);

  board.run();

  EXPECT_EQ(board.state().x[10], 123u);
  EXPECT_EQ(board.state().csr.mcause, 5u);
  EXPECT_EQ(board.state().csr.mtval, 64u);
}

TEST(Interpreter, CountsOnFourHartsWithoutLosingAny) {
  Board board(4);
  const uint64_t counter = kRam + 0x10000;
  // Each hart adds 1 to the counter 100000 times, then 1 to a count of the finished; the last one stops them all.
  board.put(kRam, {insn(Op::auipc, {.rd = 6, .imm = 0x10000}), insn(Op::lui, {.rd = 7, .imm = 100'000 & ~0xfff}),
                   insn(Op::addi, {.rd = 7, .rs1 = 7, .imm = 100'000 & 0xfff}), insn(Op::addi, {.rd = 8, .imm = 1}),
                   insn(Op::amoadd_d, {.rs1 = 6, .rs2 = 8}), insn(Op::addi, {.rd = 7, .rs1 = 7, .imm = -1}),
                   insn(Op::bne, {.rs1 = 7, .imm = -8}), insn(Op::addi, {.rd = 6, .rs1 = 6, .imm = 64}),
                   insn(Op::amoadd_d, {.rd = 9, .rs1 = 6, .rs2 = 8}), insn(Op::addi, {.rd = 10, .imm = 3}),
                   insn(Op::bne, {.rs1 = 9, .rs2 = 10, .imm = 0})});
  put_stop(board, kRam + 44);

  board.run();

  EXPECT_EQ(board.get64(counter), 400'000u);
}

}  // namespace
}  // namespace emu::riscv::test
