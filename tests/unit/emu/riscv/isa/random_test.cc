#include "emu/riscv/isa/random.h"

#include <set>

#include <gtest/gtest.h>

#include "emu/riscv/isa/encoder.h"

namespace emu::riscv {
namespace {

TEST(RandomEncoderTest, DrawsEveryRowAndOnlyEncodingsOfIt) {
  std::mt19937_64 random(1);
  RandomEncoder encoder(random);
  std::set<const Row*> seen;
  int wrong = 0;

  for (int i = 0; i < 20000; ++i) {
    const auto [raw, row] = encoder.next();
    Insn insn;
    wrong += decode(raw, insn) != row;
    seen.insert(row);
  }

  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(seen.size(), rows().size());
}

TEST(RandomEncoderTest, KeepsToTheRegistersItIsGiven) {
  std::mt19937_64 random(1);
  RandomEncoder encoder(random, in_extensions({Extension::I, Extension::C}),
                        {.rd = 0x300, .rs1 = 0x600, .rs2 = 0x800, .f = 0x100});
  uint32_t rd = 0;
  uint32_t rs1 = 0;
  uint32_t rs2 = 0;
  uint32_t f = 0;

  for (int i = 0; i < 20000; ++i) {
    const auto [raw, row] = encoder.next();
    Insn insn;
    decode(raw, insn);
    (row->rd_class == RegisterClass::floating_point ? f : rd) |=
        row->rd_class == RegisterClass::none ? 0 : 1u << (insn.rd & 31);
    rs1 |= row->rs1_class == RegisterClass::none ? 0 : 1u << insn.rs1;
    (row->rs2_class == RegisterClass::floating_point ? f : rs2) |=
        row->rs2_class == RegisterClass::none ? 0 : 1u << insn.rs2;
  }

  EXPECT_EQ(rd, 0x301u);
  EXPECT_EQ(rs1, 0x601u);
  EXPECT_EQ(rs2, 0x801u);
  EXPECT_EQ(f, 0x100u);
}

TEST(RandomEncoderTest, DrawsValidRoundingModesOnly) {
  std::mt19937_64 random(1);
  RandomEncoder encoder(random, [](const Row& row) { return row.has_rounding_mode; });
  uint32_t modes = 0;

  for (int i = 0; i < 2000; ++i) modes |= 1u << (encoder.next().raw >> 12 & 7);

  EXPECT_EQ(modes, 0b1001'1111u);
}

TEST(EncoderTest, IsTheInverseOfTheDecoder) {
  std::mt19937_64 random(2);
  RandomEncoder encoder(random);
  int wrong = 0;

  for (int i = 0; i < 20000; ++i) {
    const auto [raw, row] = encoder.next();
    Insn insn;
    decode(raw, insn);
    const auto rd = static_cast<uint8_t>(insn.rd == kSinkRegister ? 0 : insn.rd);
    wrong += encode(*row, {rd, insn.rs1, insn.rs2, insn.rs3, insn.imm, raw}) != raw;
  }

  EXPECT_EQ(wrong, 0);
}

TEST(EncoderTest, RefusesWhatARowCannotHave) {
  EXPECT_EQ(encode(row_of(Op::addi), {.rd = 1, .rs1 = 1, .imm = 2048}), std::nullopt);
  EXPECT_EQ(encode(row_of(Op::beq), {.imm = 3}), std::nullopt);
  EXPECT_EQ(encode(row_of(Op::amocas_q), {.rd = 3, .rs1 = 1, .rs2 = 2}), std::nullopt);
  EXPECT_EQ(encode(row_of(Op::ori), {.rd = 0, .rs1 = 1, .imm = 1}), std::nullopt) << "this is prefetch.r";
}

}  // namespace
}  // namespace emu::riscv
