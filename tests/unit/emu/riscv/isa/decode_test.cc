#include <gtest/gtest.h>

#include "emu/riscv/isa/table.h"
#include "emu/riscv/state.h"

namespace emu::riscv {
namespace {

// The table cannot include the state of the guest that it describes.
static_assert(kSinkRegister == HartState::kSink);

struct Decoded {
  const Row* row;
  Insn insn;
};
Decoded decoded(uint32_t raw) {
  Insn insn;
  const Row* row = decode(raw, insn);
  return {row, insn};
}

struct Case {
  uint32_t raw;
  Op op;
  int rd, rs1, rs2, rs3;
  int32_t imm;
};

class Decode : public testing::TestWithParam<Case> {};

TEST_P(Decode, GivesTheOperandsThatTheSpecificationSays) {
  const Case& c = GetParam();

  const auto [row, insn] = decoded(c.raw);

  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->op, c.op) << row->name;
  EXPECT_EQ(insn.rd, c.rd);
  EXPECT_EQ(insn.rs1, c.rs1);
  EXPECT_EQ(insn.rs2, c.rs2);
  EXPECT_EQ(insn.rs3, c.rs3);
  EXPECT_EQ(insn.imm, c.imm);
}

INSTANTIATE_TEST_SUITE_P(Words, Decode,
                         testing::Values(Case{0xfff58513, Op::addi, 10, 11, 0, 0, -1},         // addi a0,a1,-1
                                         Case{0x00000013, Op::addi, 32, 0, 0, 0, 0},           // nop
                                         Case{0xfffff537, Op::lui, 10, 0, 0, 0, -4096},        // lui a0,0xfffff
                                         Case{0x80000517, Op::auipc, 10, 0, 0, 0, INT32_MIN},  // auipc a0,0x80000
                                         Case{0xff5ff06f, Op::jal, 32, 0, 0, 0, -12},          // j .-12
                                         Case{0x7fdff0ef, Op::jal, 1, 0, 0, 0, 0xffffc},       // jal .+1048572
                                         Case{0xfeb50ce3, Op::beq, 0, 10, 11, 0, -8},          // beq a0,a1,.-8
                                         Case{0x7eb51fe3, Op::bne, 0, 10, 11, 0, 4094},        // bne a0,a1,.+4094
                                         Case{0xfeb53c23, Op::sd, 0, 10, 11, 0, -8},           // sd a1,-8(a0)
                                         Case{0x03f55513, Op::srli, 10, 10, 0, 0, 63},         // srli a0,a0,63
                                         Case{0x43f55513, Op::srai, 10, 10, 0, 0, 63},         // srai a0,a0,63
                                         Case{0xc0102573, Op::csrrs, 10, 0, 0, 0, 0xc01},      // rdtime a0
                                         Case{0x180fd073, Op::csrrwi, 32, 31, 0, 0, 0x180},    // csrwi satp,31
                                         Case{0x22c5f543, Op::fmadd_d, 10, 11, 12, 4, 0},     // fmadd.d fa0,fa1,fa2,ft4
                                         Case{0x00007053, Op::fadd_s, 0, 0, 0, 0, 0},         // fadd.s ft0,ft0,ft0
                                         Case{0x0ff0000f, Op::fence, 0, 0, 0, 0, 0},          // fence
                                         Case{0x0100000f, Op::pause, 0, 0, 0, 0, 0},          // pause
                                         Case{0x8330000f, Op::fence_tso, 0, 0, 0, 0, 0},      // fence.tso
                                         Case{0xfe15e013, Op::prefetch_r, 0, 11, 0, 0, -32},  // prefetch.r -32(a1)
                                         Case{0xfe25e013, Op::ori, 32, 11, 0, 0, -30},        // ori zero,a1,-30
                                         Case{0x00b6252f, Op::amoadd_w, 10, 12, 11, 0, 0},    // amoadd.w a0,a1,(a2)
                                         Case{0xcdf5c573, Op::mop_r, 10, 11, 0, 0, 0},        // mop.r.31 a0,a1
                                         Case{0x28c6452f, Op::amocas_q, 10, 12, 12, 0, 0}));  // amocas.q a0,a2,(a2)

INSTANTIATE_TEST_SUITE_P(Halves, Decode,
                         testing::Values(Case{0x0028, Op::addi, 10, 2, 0, 0, 8},      // c.addi4spn a0,8
                                         Case{0x0001, Op::addi, 32, 0, 0, 0, 0},      // c.nop
                                         Case{0x7139, Op::addi, 2, 2, 0, 0, -64},     // c.addi16sp -64
                                         Case{0x557d, Op::addi, 10, 0, 0, 0, -1},     // c.li a0,-1
                                         Case{0x757d, Op::lui, 10, 0, 0, 0, -4096},   // c.lui a0,0xfffff
                                         Case{0x4188, Op::lw, 10, 11, 0, 0, 0},       // c.lw a0,0(a1)
                                         Case{0x60a6, Op::ld, 1, 2, 0, 0, 72},        // c.ldsp ra,72
                                         Case{0x8082, Op::jalr, 32, 1, 0, 0, 0},      // ret
                                         Case{0x9502, Op::jalr, 1, 10, 0, 0, 0},      // c.jalr a0
                                         Case{0x852e, Op::add, 10, 0, 11, 0, 0},      // c.mv a0,a1
                                         Case{0x952e, Op::add, 10, 10, 11, 0, 0},     // c.add a0,a1
                                         Case{0x9002, Op::ebreak, 0, 0, 0, 0, 0},     // c.ebreak
                                         Case{0xbfd5, Op::jal, 32, 0, 0, 0, -12},     // c.j .-12
                                         Case{0xdd65, Op::beq, 0, 10, 0, 0, -8},      // c.beqz a0,.-8
                                         Case{0x6081, Op::addi, 32, 0, 0, 0, 0},      // c.mop.1
                                         Case{0x9d61, Op::andi, 10, 10, 0, 0, 255},   // c.zext.b a0
                                         Case{0x9d75, Op::xori, 10, 10, 0, 0, -1}));  // c.not a0

class Illegal : public testing::TestWithParam<uint32_t> {};

TEST_P(Illegal, IsRefusedWithItsLengthKnown) {
  const uint32_t raw = GetParam();

  const auto [row, insn] = decoded(raw);

  EXPECT_EQ(row, nullptr);
  EXPECT_EQ(insn.length, length_of(raw));
  EXPECT_EQ(insn.raw, raw);
}

INSTANTIATE_TEST_SUITE_P(Reserved, Illegal,
                         testing::Values(0x0000,                 // defined illegal
                                         0x0004,                 // c.addi4spn with an immediate of 0
                                         0x2001,                 // c.addiw to x0
                                         0x6101,                 // c.addi16sp 0
                                         0x6501,                 // c.lui a0,0
                                         0x6801,                 // c.lui a6,0
                                         0x4002,                 // c.lwsp to x0
                                         0x6002,                 // c.ldsp to x0
                                         0x8002,                 // c.jr x0
                                         0x9c00,                 // quadrant 0, reserved
                                         0x9c79,                 // quadrant 1, reserved
                                         0xffffffff,             // all ones
                                         0x02005013 | 1u << 27,  // srli with a reserved funct6
                                         0x0200151b,             // slliw by 32
                                         0x28c645af,             // amocas.q to an odd register
                                         0x30200173));           // mret with rd != 0

TEST(DecodeTest, RoundingModes5And6AreDecoded) {
  EXPECT_EQ(decoded(0x00005053).row, &row_of(Op::fadd_s));
  EXPECT_EQ(decoded(0x00006053).row, &row_of(Op::fadd_s));
}

TEST(DecodeTest, WhatFollowsACompressedInstructionIsIgnored) {
  const auto [row, insn] = decoded(0xdead8082);

  EXPECT_EQ(row->op, Op::jalr);
  EXPECT_EQ(insn.raw, 0x8082u);
}

TEST(TableTest, EveryRowDecodesToItself) {
  for (const Row& row : rows()) {
    const uint32_t destination = uint32_t{row.rd.mask} << row.rd.shift;

    EXPECT_EQ(decoded(row.match | ((row.nonzero | destination) & ~row.mask)).row, &row) << row.name;
  }
}

TEST(TableTest, RowsOfAnOpAreInItsOrder) {
  for (size_t i = 0; i < kOps; ++i) EXPECT_EQ(row_of(static_cast<Op>(i)).op, static_cast<Op>(i));
}

}  // namespace
}  // namespace emu::riscv
