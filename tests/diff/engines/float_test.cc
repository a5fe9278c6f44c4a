#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "emu/jit/engine.h"
#include "emu/riscv/csr/bits.h"
#include "emu/riscv/isa/disassembler.h"
#include "tests/diff/engines/engines.h"
#include "tests/unit/emu/fp/support.h"
#include "tests/unit/emu/riscv/board.h"

/// Every floating-point instruction, in every direction of its own and of frm, with operands at the corners.
namespace tests::diff {
namespace {

using namespace emu::riscv;
using emu::riscv::test::Board;
using emu::riscv::test::insn;
using emu::riscv::test::kRam;

constexpr size_t kTuples = 200;
constexpr uint64_t kTables = kRam + 0x10'0000;  ///< of operands, one for each Source
constexpr uint64_t kTableSize = 0x1'0000;
constexpr uint64_t kResults = kRam + 0x20'0000;
constexpr uint8_t kDynamic = 7;
constexpr int32_t kFflags = 1;

enum Source : uint64_t { kHalf, kSingle, kDouble, kInteger };

/// What the instruction's operands are, from its name: "fadd_d", "fcvt_s_w".
Source source_of(const Row& row) {
  if (row.rs1_class == RegisterClass::integer) return kInteger;
  const char format = row.name.back();
  return format == 'h' ? kHalf : format == 's' ? kSingle : kDouble;
}

/// One instruction, carried out for every tuple of its table.
struct Loop {
  const Row* row;
  uint32_t raw;
};

std::vector<Loop> loops() {
  std::vector<Loop> all;
  for (const Row& row : rows()) {
    const bool is_float =
        row.rd_class == RegisterClass::floating_point || row.rs1_class == RegisterClass::floating_point;
    if (!is_float || row.is_compressed() || row.text.find('(') != std::string_view::npos) continue;
    for (uint32_t direction = 0; direction <= (row.has_rounding_mode ? kDynamic : 0u); ++direction) {
      if (direction == 5 || direction == 6) continue;
      const auto raw = encode(row, {.rd = 10, .rs1 = 10, .rs2 = 11, .rs3 = 12, .imm = 10, .other = direction << 12});
      EXPECT_TRUE(raw.has_value()) << row.name;
      all.push_back({&row, raw.value_or(0)});
    }
  }
  return all;
}

template <class F>
uint64_t boxed(typename F::Bits value) {
  return F::kWidth == 64 ? uint64_t{value} : ~uint64_t{0} << (F::kWidth % 64) | value;
}

uint64_t operand(Source source, std::mt19937_64& random, emu::fp::test::Operands<emu::fp::F16>& half,
                 emu::fp::test::Operands<emu::fp::F32>& single, emu::fp::test::Operands<emu::fp::F64>& twice) {
  constexpr unsigned kHowManyAreNotBoxed = 16;
  if (source == kHalf && random() % kHowManyAreNotBoxed != 0) return boxed<emu::fp::F16>(half.next());
  if (source == kSingle && random() % kHowManyAreNotBoxed != 0) return boxed<emu::fp::F32>(single.next());
  if (source == kDouble) return twice.next();
  const auto wide = static_cast<int64_t>(random());
  return static_cast<uint64_t>(wide >> (random() % 64)) + random() % 3 - 1;
}

void write_tables(Board& board) {
  std::mt19937_64 random(7);
  emu::fp::test::Operands<emu::fp::F16> half(1);
  emu::fp::test::Operands<emu::fp::F32> single(2);
  emu::fp::test::Operands<emu::fp::F64> twice(3);
  for (const Source source : {kHalf, kSingle, kDouble, kInteger}) {
    for (uint64_t at = 0; at < kTuples * 32; at += 8)
      board.put64(kTables + source * kTableSize + at, operand(source, random, half, single, twice));
  }
}

void put_loop(Board& board, uint64_t at, const Loop& loop) {
  const auto table = static_cast<uint8_t>(20 + source_of(*loop.row));
  const bool to_float = loop.row->rd_class == RegisterClass::floating_point;
  board.put(at, {
                    insn(Op::addi, {.rd = 5, .rs1 = table}),
                    insn(Op::addi, {.rd = 7, .rs1 = 6}),
                    insn(Op::fld, {.rd = 10, .rs1 = 5}),
                    insn(Op::fld, {.rd = 11, .rs1 = 5, .imm = 8}),
                    insn(Op::fld, {.rd = 12, .rs1 = 5, .imm = 16}),
                    insn(Op::ld, {.rd = 10, .rs1 = 5}),
                    insn(Op::csrrw, {.imm = kFflags}),
                    loop.raw,
                    insn(Op::csrrs, {.rd = 9, .imm = kFflags}),
                    to_float ? insn(Op::fsd, {.rs1 = 24, .rs2 = 10}) : insn(Op::sd, {.rs1 = 24, .rs2 = 10}),
                    insn(Op::sd, {.rs1 = 24, .rs2 = 9, .imm = 8}),
                    insn(Op::addi, {.rd = 24, .rs1 = 24, .imm = 16}),
                    insn(Op::addi, {.rd = 5, .rs1 = 5, .imm = 32}),
                    insn(Op::addi, {.rd = 7, .rs1 = 7, .imm = -1}),
                    insn(Op::bne, {.rs1 = 7, .imm = -48}),
                });
}
constexpr uint64_t kLoopSize = 60;

/// Value and flags of each tuple of each loop.
std::vector<uint64_t> run(const EngineConfig& engine, const std::vector<Loop>& all, uint8_t frm) {
  Board board(1, Firmware::guest, nullptr, engine);
  write_tables(board);
  for (size_t i = 0; i < all.size(); ++i) put_loop(board, kRam + i * kLoopSize, all[i]);
  EXPECT_LT(kRam + all.size() * kLoopSize, kTables);
  emu::riscv::test::put_stop(board, kRam + all.size() * kLoopSize);
  HartState& state = board.state();
  state.csr.mstatus |= csr::mstatus::kFs;
  state.fp.frm = frm;
  state.x[6] = kTuples;
  for (unsigned i = 0; i < 4; ++i) state.x[20 + i] = kTables + i * kTableSize;
  state.x[24] = kResults;
  board.hart().update_contexts();
  board.run();
  std::vector<uint64_t> results(2 * kTuples * all.size());
  EXPECT_EQ(state.x[24], kResults + results.size() * 8) << "not all loops have run";
  if (board.group->jit() != nullptr) {
    EXPECT_GE(board.group->jit()->stats().blocks, all.size());
  }
  EXPECT_TRUE(board.memory->read({kResults}, std::as_writable_bytes(std::span(results))).has_value());
  return results;
}

class FloatInstructions : public ::testing::TestWithParam<uint8_t> {};

TEST_P(FloatInstructions, GiveTheSameInBothEnginesBlockByBlock) { run(kLockstep, loops(), GetParam()); }

TEST_P(FloatInstructions, GiveTheSameInTheJitAsInTheInterpreter) {
  const std::vector<Loop> all = loops();
  ASSERT_GT(all.size(), 100u);
  const std::vector<uint64_t> wanted = run(kInterpreter, all, GetParam());
  const std::vector<uint64_t> found = run(kJit, all, GetParam());

  Board tables;
  write_tables(tables);
  for (size_t i = 0; i < wanted.size(); i += 2) {
    const Loop& loop = all[i / 2 / kTuples];
    const uint64_t operands = kTables + source_of(*loop.row) * kTableSize + (i / 2 % kTuples) * 32;
    ASSERT_TRUE(wanted[i] == found[i] && wanted[i + 1] == found[i + 1])
        << disassemble(loop.raw, 0)
        << fmt::format(" of {:#x} {:#x} {:#x}: {:#x} flags {:#x}, wanted {:#x} flags {:#x}", tables.get64(operands),
                       tables.get64(operands + 8), tables.get64(operands + 16), found[i], found[i + 1], wanted[i],
                       wanted[i + 1]);
  }
}

INSTANTIATE_TEST_SUITE_P(Frm, FloatInstructions, ::testing::Range<uint8_t>(0, 5));

}  // namespace
}  // namespace tests::diff
