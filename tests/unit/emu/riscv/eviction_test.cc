#include "emu/jit/engine.h"
#include "tests/unit/emu/riscv/board.h"

namespace emu::riscv::test {
namespace {

constexpr EngineConfig kSmall = {.kind = EngineKind::jit, .jit_cache = kSmallCache, .hot_after = 1};
constexpr uint64_t kCode = kRam + 0x1000;
constexpr uint64_t kSteps = 4000;  ///< blocks, whose host code does not fit into the cache at once
constexpr uint64_t kRounds = 20;

class EvictionTest : public ::testing::TestWithParam<size_t> {};

/// Every block adds 1 to a1 and jumps to the next one; as many rounds of all of them as a2 says.
void put_long_loop(Board& board) {
  uint64_t at = kCode;
  for (uint64_t i = 0; i < kSteps; ++i, at += 8)
    board.put(at, {insn(Op::addi, {.rd = 11, .rs1 = 11, .imm = 1}), insn(Op::jal, {.rd = 0, .imm = 4})});
  board.put(at, {insn(Op::addi, {.rd = 12, .rs1 = 12, .imm = -1}), insn(Op::beq, {.rs1 = 12, .rs2 = 0, .imm = 8}),
                 insn(Op::jalr, {.rd = 0, .rs1 = 13, .imm = 0})});
  // Whoever is last of all stops the machine; the others wait in translated code.
  board.put(at + 12,
            {insn(Op::amoadd_d, {.rd = 15, .rs1 = 14, .rs2 = 16}), insn(Op::addi, {.rd = 15, .rs1 = 15, .imm = 1}),
             insn(Op::beq, {.rs1 = 15, .rs2 = 17, .imm = 8}), insn(Op::jal, {.rd = 0, .imm = 0})});
  put_stop(board, at + 28);
}

TEST_P(EvictionTest, KeepsRunningCodeThatDoesNotFitIntoTheCache) {
  Board board(GetParam(), Firmware::guest, nullptr, kSmall);
  put_long_loop(board);
  for (size_t i = 0; i < GetParam(); ++i) {
    HartState& state = board.state(i);
    state.pc = kCode;
    state.x[11] = 0;
    state.x[12] = kRounds;
    state.x[13] = kCode;
    state.x[14] = kRam;
    state.x[16] = 1;
    state.x[17] = GetParam();
  }

  board.run();

  for (size_t i = 0; i < GetParam(); ++i) EXPECT_EQ(board.state(i).x[11], kSteps * kRounds) << i;
  const emu::jit::Stats stats = board.group->jit()->stats();
  EXPECT_GT(stats.evicted, kSteps);
  // Each hart finds out for itself what is hot.
  EXPECT_LT(stats.blocks, GetParam() * kSteps * kRounds / 2) << "what was evicted was translated again each time";
  EXPECT_LE(board.group->jit()->arena().used(), kSmallCache);
}

INSTANTIATE_TEST_SUITE_P(Harts, EvictionTest, ::testing::Values(1, 4));

}  // namespace
}  // namespace emu::riscv::test
