#include "tests/insn/rows.h"

#include <set>

#include <gmock/gmock.h>

namespace tests::insn {
namespace {

using emu::riscv::Op;

InsnRow only_row(std::string_view text) {
  auto rows = parse_rows(text, "test");
  EXPECT_TRUE(rows) << rows.error().message;
  return rows ? rows->at(0) : InsnRow{};
}

std::string mistake_in(std::string_view text) {
  const auto rows = parse_rows(text, "test");
  return rows ? "none" : rows.error().message;
}

TEST(InsnRowsTest, EveryRowOfTheInstructionTableHasOne) {
  const auto rows = all_rows();
  ASSERT_TRUE(rows) << rows.error().message;
  std::set<const emu::riscv::Row*> covered;
  for (const InsnRow& row : *rows) covered.insert(row.row);

  std::vector<std::string_view> missing;
  for (const emu::riscv::Row& row : emu::riscv::rows()) {
    if (!covered.contains(&row)) missing.push_back(row.name);
  }

  EXPECT_THAT(missing, testing::IsEmpty());
}

TEST(InsnRowsTest, ARowIsEncodedWithItsRegisters) {
  const InsnRow row = only_row("add rs1=5 rs2=0x10 -> rd=21");

  emu::Insn insn;
  ASSERT_EQ(emu::riscv::decode(row.raw, insn), &emu::riscv::row_of(Op::add));
  EXPECT_EQ(insn.rd, row.operands.rd);
  EXPECT_EQ(row.rs1.resolve(0, 0), 5u);
  EXPECT_EQ(row.rs2.resolve(0, 0), 16u);
  EXPECT_EQ(row.rd->resolve(0, 0), 21u);
  EXPECT_EQ(row.pc.resolve(0, 0x1000), 0x1004u);
}

TEST(InsnRowsTest, RegistersThatAnEncodingImpliesAreKnown) {
  const InsnRow row = only_row("c_lwsp rs1=mem imm=4 -> rd=0");

  EXPECT_EQ(row.operands.rs1, 2);
  EXPECT_EQ(row.rs1.resolve(0x8000, 0), 0x8000u);
}

TEST(InsnRowsTest, FloatingPointValuesAreBoxed) {
  EXPECT_EQ(only_row("fadd_s rs1=s:1.5 -> rd=s:nan").rs1.offset, 0xffffffff3fc00000);
  EXPECT_EQ(only_row("fadd_s rs1=s:1.5 -> rd=s:nan").rd->offset, 0xffffffff7fc00000);
  EXPECT_EQ(only_row("fadd_d rs1=d:-inf -> rd=d:0").rs1.offset, 0xfff0000000000000);
  EXPECT_EQ(only_row("fadd_h rs1=h:0x1p-24 -> rd=h:65504").rs1.offset, 0xffffffffffff0001);
  EXPECT_EQ(only_row("fadd_h rs1=h:0x1p-24 -> rd=h:65504").rd->offset, 0xffffffffffff7bff);
  EXPECT_EQ(only_row("fadd_h rs1=h:0x1p-14 -> rd=h:0").rs1.offset, 0xffffffffffff0400);
}

TEST(InsnRowsTest, MemoryStaysAsItWasUnlessTheRowSays) {
  EXPECT_EQ(only_row("ld rs1=mem mem=7,8 -> rd=7").memory_after[1], 8u);
  EXPECT_EQ(only_row("sd rs1=mem rs2=1 mem=7,8 -> mem=1,8").memory_after[0], 1u);
}

TEST(InsnRowsTest, AMistakeIsReportedWithItsPlace) {
  EXPECT_EQ(mistake_in("# comment\n\nad rs1=1 -> rd=1\n"), "test:3: no instruction 'ad'");
  EXPECT_EQ(mistake_in("add rs1=1 rs9=1 -> rd=1"), "test:1: cannot read 'rs9=1'");
  EXPECT_EQ(mistake_in("add rs1=1x -> rd=1"), "test:1: cannot read 'rs1=1x'");
  EXPECT_EQ(mistake_in("addi imm=4096 -> rd=1"), "test:1: no such encoding");
  EXPECT_EQ(mistake_in("add rs1=1 rs2=1 ->"), "test:1: rd is missing");
  EXPECT_EQ(mistake_in("add rs1=1 rs2=1"), "test:1: '->' is missing");
  EXPECT_EQ(mistake_in("csrrw imm=0 csr.nothing=1 -> rd=0"), "test:1: cannot read 'csr.nothing=1'");
}

}  // namespace
}  // namespace tests::insn
