#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "tests/diff/engines/engines.h"
#include "tests/unit/emu/riscv/board.h"

/// A program that overwrites one of many small functions, in two pages, before it calls it.
namespace tests::diff {
namespace {

using namespace emu::riscv;
using emu::riscv::test::Board;
using emu::riscv::test::insn;
using emu::riscv::test::kRam;

constexpr uint64_t kRounds = 4000;
constexpr uint64_t kFunctions = 32;
constexpr uint64_t kFunctionSize = 8;
constexpr uint64_t kFirst = kRam + 0x2000 - kFunctions / 2 * kFunctionSize;
constexpr uint64_t kResults = kRam + 0x10'0000;
constexpr uint64_t kSeed = 0x2545f4914f6cdd1d;

/// What the program draws: which function gets which number.
struct Draw {
  uint64_t function;
  uint64_t number;
};
std::vector<Draw> draws() {
  std::vector<Draw> all;
  uint64_t random = 0;
  for (uint64_t i = 0; i < kRounds; ++i) {
    random = random * kSeed + kSeed;
    all.push_back({(random >> 33) % kFunctions, (random >> 40) % 2048});
  }
  return all;
}

/// What the function that was just overwritten gave, each time.
std::vector<uint64_t> run(const EngineConfig& engine, bool fences) {
  Board board(1, Firmware::guest, nullptr, engine);
  for (uint64_t i = 0; i < kFunctions; ++i) {
    board.put(kFirst + i * kFunctionSize,
              {insn(Op::addi, {.rd = 10, .imm = static_cast<int32_t>(i)}), insn(Op::jalr, {.rs1 = 1})});
  }
  const uint32_t number_into_a0 = insn(Op::addi, {.rd = 10});
  board.put(kRam, {
                      insn(Op::mul, {.rd = 12, .rs1 = 12, .rs2 = 13}),
                      insn(Op::add, {.rd = 12, .rs1 = 12, .rs2 = 13}),
                      insn(Op::srli, {.rd = 15, .rs1 = 12, .imm = 33}),
                      insn(Op::andi, {.rd = 15, .rs1 = 15, .imm = kFunctions - 1}),
                      insn(Op::slli, {.rd = 15, .rs1 = 15, .imm = 3}),
                      insn(Op::add, {.rd = 15, .rs1 = 15, .rs2 = 5}),
                      insn(Op::srli, {.rd = 16, .rs1 = 12, .imm = 40}),
                      insn(Op::andi, {.rd = 16, .rs1 = 16, .imm = 2047}),
                      insn(Op::slli, {.rd = 17, .rs1 = 16, .imm = 20}),
                      insn(Op::ori, {.rd = 17, .rs1 = 17, .imm = static_cast<int32_t>(number_into_a0)}),
                      insn(Op::sw, {.rs1 = 15, .rs2 = 17}),
                      fences ? insn(Op::fence_i, {}) : insn(Op::addi, {}),
                      insn(Op::jalr, {.rd = 1, .rs1 = 15}),
                      insn(Op::sd, {.rs1 = 24, .rs2 = 10}),
                      insn(Op::addi, {.rd = 24, .rs1 = 24, .imm = 8}),
                      insn(Op::addi, {.rd = 11, .rs1 = 11, .imm = -1}),
                      insn(Op::bne, {.rs1 = 11, .imm = -64}),
                  });
  emu::riscv::test::put_stop(board, kRam + 68);
  HartState& state = board.state();
  state.x[5] = kFirst;
  state.x[11] = kRounds;
  state.x[13] = kSeed;
  state.x[24] = kResults;
  board.run();
  std::vector<uint64_t> results(kRounds);
  EXPECT_TRUE(board.memory->read({kResults}, std::as_writable_bytes(std::span(results))).has_value());
  return results;
}

class SelfModifyingCode : public ::testing::TestWithParam<EngineConfig> {};

TEST_P(SelfModifyingCode, IsSeenAfterAFence) {
  const std::vector<Draw> all = draws();

  const std::vector<uint64_t> results = run(GetParam(), true);

  for (size_t i = 0; i < all.size(); ++i) ASSERT_EQ(results[i], all[i].number) << "round " << i;
}

// Unprivileged §4.1: without a fence the old instruction or the new one is fetched, and no other.
TEST_P(SelfModifyingCode, WithoutAFenceIsOldOrNew) {
  const std::vector<Draw> all = draws();

  const std::vector<uint64_t> results = run(GetParam(), false);

  std::vector<std::set<uint64_t>> written(kFunctions);
  for (uint64_t i = 0; i < kFunctions; ++i) written[i].insert(i);
  for (size_t i = 0; i < all.size(); ++i) {
    written[all[i].function].insert(all[i].number);
    ASSERT_TRUE(written[all[i].function].contains(results[i])) << "round " << i << ": " << results[i];
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, SelfModifyingCode, kAllEngines, name_of_engine);

}  // namespace
}  // namespace tests::diff
