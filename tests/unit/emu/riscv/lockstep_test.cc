#include "emu/riscv/jit/lockstep.h"

#include <gmock/gmock.h>

#include "tests/unit/emu/riscv/board.h"

namespace emu::riscv::test {
namespace {

using ::testing::HasSubstr;

constexpr EngineConfig kLockstep = {.kind = EngineKind::lockstep, .jit_cache = kSmallCache};
constexpr uint64_t kData = kRam + 0x1000;

/// Sums, stores, loads back, and adds atomically.
void put_program(Board& board) {
  board.put(kRam, {insn(Op::addi, {.rd = 11, .rs1 = 11, .imm = 3}), insn(Op::sd, {.rs1 = 8, .rs2 = 11}),
                   insn(Op::ld, {.rd = 12, .rs1 = 8}), insn(Op::amoadd_d, {.rd = 13, .rs1 = 8, .rs2 = 12}),
                   insn(Op::addi, {.rd = 10, .rs1 = 10, .imm = -1}), insn(Op::bne, {.rs1 = 10, .rs2 = 0, .imm = -20})});
  put_stop(board, kRam + 24);
  board.state().x[8] = kData;
  board.state().x[10] = 3;
  board.state().x[11] = 0;
}

class LockstepTest : public ::testing::Test {
 protected:
  void TearDown() override { jit::Lockstep::tamper = nullptr; }
};

TEST_F(LockstepTest, RunsAProgramOnce) {
  Board board(1, Firmware::guest, nullptr, kLockstep);
  put_program(board);

  EXPECT_EQ(board.hart().run().value().detail, "");

  EXPECT_EQ(board.state().x[11], 9u);
  EXPECT_EQ(board.get64(kData), 18u);
}

TEST_F(LockstepTest, StopsAtAWrongTranslation) {
  jit::Lockstep::tamper = [](emu::ir::Block& ir) {
    for (emu::ir::Node& node : ir.nodes) {
      if (node.op == emu::ir::Op::set_x && node.reg == 11) node.reg = 14;
    }
  };
  Board board(1, Firmware::guest, nullptr, kLockstep);
  put_program(board);

  const hv::Exit exit = board.hart().run().value();

  EXPECT_EQ(exit.reason, hv::Exit::Reason::crashed);
  EXPECT_THAT(exit.detail, HasSubstr("x11"));
  EXPECT_THAT(exit.detail, HasSubstr("add\ta1,a1,3"));
  EXPECT_THAT(exit.detail, HasSubstr("host code"));
}

TEST_F(LockstepTest, TakesTheSameOfWhatOtherHartsDoForBothEngines) {
  constexpr uint64_t kTimes = 2000;
  Board board(2, Firmware::guest, nullptr, kLockstep);
  board.put(kRam, {insn(Op::amoadd_d, {.rd = 13, .rs1 = 8, .rs2 = 9}), insn(Op::ld, {.rd = 12, .rs1 = 8}),
                   insn(Op::addi, {.rd = 10, .rs1 = 10, .imm = -1}), insn(Op::bne, {.rs1 = 10, .rs2 = 0, .imm = -12}),
                   insn(Op::ld, {.rd = 12, .rs1 = 8}), insn(Op::bne, {.rs1 = 12, .rs2 = 11, .imm = -4})});
  put_stop(board, kRam + 24);
  for (size_t id = 0; id < 2; ++id) {
    board.state(id).x[8] = kData;
    board.state(id).x[9] = 1;
    board.state(id).x[10] = kTimes;
    board.state(id).x[11] = 2 * kTimes;
  }

  board.run();

  EXPECT_EQ(board.get64(kData), 2 * kTimes);
}

}  // namespace
}  // namespace emu::riscv::test
