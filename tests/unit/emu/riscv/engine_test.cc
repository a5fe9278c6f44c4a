#include "emu/riscv/helpers.h"
#include "tests/unit/emu/riscv/translated.h"

namespace emu::riscv::test {
namespace {

constexpr EngineConfig kJit = {.kind = EngineKind::jit, .jit_cache = kSmallCache};
constexpr uint64_t kFirst = kRam + 0x2'0000;

class EngineTest : public testing::Test {
 protected:
  void put_jump(uint64_t at) { board_.put(at, {insn(Op::jalr, {.rd = 0, .rs1 = 8}), insn(Op::ecall, {})}); }
  const std::byte* host(uint64_t address) { return board_.memory->host_pointer({address}, 4); }
  const std::byte* find(uint64_t address) { return engine_.find(host(address), mode_); }

  Board board_{1, Firmware::guest, nullptr, kJit};
  emu::jit::Engine& engine_ = *board_.group->jit();
  const unsigned mode_ = jit::Mode::of(board_.state()).number();
};

TEST_F(EngineTest, FindsWhatSharesItsPlaceWithABlockThatWasRemoved) {
  uint64_t second = kFirst + 0x1000;
  while (emu::jit::jump_index(host(second)) != emu::jit::jump_index(host(kFirst))) second += 4;
  put_jump(kFirst);
  put_jump(second);
  const std::byte* const first = translated(board_, kFirst);
  ASSERT_NE(translated(board_, second), first);

  board_.put(second, {insn(Op::ecall, {})});
  engine_.revalidate_page(host(second));

  EXPECT_EQ(find(second), nullptr);
  EXPECT_EQ(find(kFirst), first);
}

TEST_F(EngineTest, WhatAJumpOfTranslatedCodeFindsGoesToTheJumpCache) {
  put_jump(kFirst);
  const std::byte* const target = translated(board_, kFirst + 4);
  mmu::JumpCache jumps;
  board_.state().jit.jumps = &jumps;
  board_.state().jit.jump_table = engine_.jump_table(mode_);
  ASSERT_NE(fetch_slow(board_.state(), kFirst), nullptr);

  ASSERT_TRUE(run_translated(board_, kFirst, {.address = kFirst + 4}));

  EXPECT_EQ(jumps.find(kFirst + 4), target);
  jumps.forget({kFirst, kFirst});
  EXPECT_EQ(jumps.find(kFirst + 4), nullptr);
}

}  // namespace
}  // namespace emu::riscv::test
