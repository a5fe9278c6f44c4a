#include <gtest/gtest.h>

#include "tests/diff/engines/engines.h"
#include "tests/unit/emu/riscv/board.h"

/// Four harts that change the same places by every kind of atomic instruction lose nothing.
namespace tests::diff {
namespace {

using namespace emu::riscv;
using emu::riscv::test::Board;
using emu::riscv::test::insn;
using emu::riscv::test::kRam;

constexpr size_t kHarts = 4;
constexpr uint64_t kTimes = 20'000;
constexpr uint64_t kShared = kRam + 0x1'0000;

/// One hart's program: x10 is its number, x11 the shared place, x12 how many times are left.
class Program {
 public:
  void op(Op op, const Operands& operands) { words_.push_back(insn(op, operands)); }
  size_t here() const { return words_.size(); }
  void back_to(size_t target, Op branch, uint8_t rs1, uint8_t rs2 = 0) {
    const auto distance = static_cast<int32_t>(target) - static_cast<int32_t>(here());
    op(branch, {.rs1 = rs1, .rs2 = rs2, .imm = 4 * distance});
  }
  void put(Board& board) const {
    uint64_t at = kRam;
    for (const uint32_t word : words_) {
      board.put(at, {word});
      at += 4;
    }
  }

 private:
  std::vector<uint32_t> words_;
};

void add_by_reservation(Program& p, Op load, Op store, int32_t offset) {
  p.op(Op::addi, {.rd = 13, .rs1 = 11, .imm = offset});
  const size_t again = p.here();
  p.op(load, {.rd = 14, .rs1 = 13});
  p.op(Op::addi, {.rd = 14, .rs1 = 14, .imm = 1});
  p.op(store, {.rd = 15, .rs1 = 13, .rs2 = 14});
  p.back_to(again, Op::bne, 15);
}

/// By compare-and-swap of what was read before.
void add_by_comparison(Program& p, Op load, Op swap, int32_t offset) {
  p.op(Op::addi, {.rd = 13, .rs1 = 11, .imm = offset});
  const size_t again = p.here();
  p.op(load, {.rd = 14, .rs1 = 13});
  p.op(Op::addi, {.rd = 15, .rs1 = 14});
  p.op(Op::addi, {.rd = 16, .rs1 = 14, .imm = 1});
  p.op(swap, {.rd = 15, .rs1 = 13, .rs2 = 16});
  p.back_to(again, Op::bne, 14, 15);
}

Program make_program() {
  Program p;
  p.op(Op::addi, {.rd = 17, .imm = 1});
  p.op(Op::add, {.rd = 19, .rs1 = 11, .rs2 = 10});  // bytes of the same word, one for each hart
  p.op(Op::addi, {.rd = 19, .rs1 = 19, .imm = 64});
  const size_t loop = p.here();
  p.op(Op::amoadd_d, {.rd = 18, .rs1 = 11, .rs2 = 17});
  add_by_reservation(p, Op::lr_d, Op::sc_d, 8);
  add_by_reservation(p, Op::lr_w, Op::sc_w, 20);
  add_by_comparison(p, Op::ld, Op::amocas_d, 24);
  add_by_comparison(p, Op::lh, Op::amocas_h, 34);
  p.op(Op::amoadd_b, {.rs1 = 19, .rs2 = 17});
  // The largest and the smallest of all remaining times, and of their negatives.
  p.op(Op::addi, {.rd = 13, .rs1 = 11, .imm = 40});
  p.op(Op::amomaxu_d, {.rs1 = 13, .rs2 = 12});
  p.op(Op::addi, {.rd = 13, .rs1 = 11, .imm = 48});
  p.op(Op::sub, {.rd = 14, .rs2 = 12});
  p.op(Op::amomin_d, {.rs1 = 13, .rs2 = 14});
  p.op(Op::addi, {.rd = 12, .rs1 = 12, .imm = -1});
  p.back_to(loop, Op::bne, 12);
  // The last one to come here ends the run.
  p.op(Op::addi, {.rd = 13, .rs1 = 11, .imm = 56});
  p.op(Op::amoadd_d, {.rd = 14, .rs1 = 13, .rs2 = 17});
  p.op(Op::addi, {.rd = 14, .rs1 = 14, .imm = 1 - static_cast<int32_t>(kHarts)});
  p.op(Op::bne, {.rs1 = 14, .imm = 0});
  p.op(Op::lui, {.rd = 5, .imm = emu::riscv::test::kStopDevice});
  p.op(Op::sd, {.rs1 = 5});
  p.op(Op::jal, {});
  return p;
}

class AtomicStress : public ::testing::TestWithParam<EngineConfig> {};

TEST_P(AtomicStress, LosesNothing) {
  Board board(kHarts, Firmware::guest, nullptr, GetParam());
  make_program().put(board);
  for (size_t id = 0; id < kHarts; ++id) {
    HartState& state = board.state(id);
    state.x[10] = id;
    state.x[11] = kShared;
    state.x[12] = kTimes;
  }

  board.run();

  constexpr uint64_t kSum = kHarts * kTimes;
  EXPECT_EQ(board.get64(kShared), kSum) << "amoadd.d";
  EXPECT_EQ(board.get64(kShared + 8), kSum) << "lr.d and sc.d";
  EXPECT_EQ(board.get64(kShared + 16), kSum << 32) << "lr.w and sc.w";
  EXPECT_EQ(board.get64(kShared + 24), kSum) << "amocas.d";
  EXPECT_EQ(board.get64(kShared + 32), (kSum & 0xffff) << 16) << "amocas.h";
  EXPECT_EQ(board.get64(kShared + 40), kTimes) << "amomaxu.d";
  EXPECT_EQ(board.get64(kShared + 48), ~kTimes + 1) << "amomin.d";
  EXPECT_EQ(board.get64(kShared + 64), (kTimes & 0xff) * 0x01010101) << "amoadd.b";
}

INSTANTIATE_TEST_SUITE_P(Engines, AtomicStress, kAllEngines, name_of_engine);

}  // namespace
}  // namespace tests::diff
