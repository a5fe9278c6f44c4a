#include "tests/unit/emu/riscv/privileged.h"
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

/// Two pages that lie beside each other for the guest alone, known to the second level but not to the inline TLB.
class RefillTest : public testing::Test {
 protected:
  static constexpr uint64_t kCode = kRam + 0x20'0000;
  static constexpr uint64_t kBehind = PagedBoard::kPage + 0x1000;
  static constexpr uint64_t kOtherTarget = PagedBoard::kTarget + 0x8000;

  RefillTest() {
    put_accesses(board_, kCode);
    board_.map(PagedBoard::kPage, pte_of(PagedBoard::kTarget, leaf::kAll));
    board_.map(kBehind, pte_of(kOtherTarget, leaf::kAll));
    board_.put64(PagedBoard::kTarget + 0xff8, 0x1111'2222'3333'4444);
    board_.put64(kOtherTarget, 0x5555'6666'7777'8888);
    EXPECT_EQ(board_.cause(Access::store, PagedBoard::kPage), -1);
    EXPECT_EQ(board_.cause(Access::store, kBehind + 8), -1);
    board_.hart().data_table().flush();
  }
  emu::jit::Counters& counters() { return board_.state().jit.counters; }

  PagedBoard board_{csr::satp::Mode::sv39, 1, Firmware::guest, kJit};
};

TEST_F(RefillTest, EntersThePageOfALoadWithThePermissionToWrite) {
  ASSERT_TRUE(run_translated(board_, kCode, {.address = PagedBoard::kPage + 0xff8}));
  EXPECT_EQ(board_.state().x[10], 0x1111'2222'3333'4444u);
  ASSERT_TRUE(run_translated(board_, kCode + 8, {.address = PagedBoard::kPage + 0x10, .value = 42}));
  EXPECT_EQ(board_.get64(PagedBoard::kTarget + 0x10), 42u);
  EXPECT_EQ(counters().refills, 1u);
  EXPECT_EQ(counters().loads, 1u);
  EXPECT_EQ(counters().stores, 0u);
}

TEST_F(RefillTest, LeavesWhatLiesInTwoPagesToOthers) {
  ASSERT_TRUE(run_translated(board_, kCode, {.address = PagedBoard::kPage + 0xffc}));
  EXPECT_EQ(board_.state().x[10], 0x7777'8888'1111'2222u);
  ASSERT_TRUE(run_translated(board_, kCode + 8, {.address = PagedBoard::kPage + 0xffe, .value = 0}));
  EXPECT_EQ(board_.get64(PagedBoard::kTarget + 0xff8), 0x0000'2222'3333'4444u);
  EXPECT_EQ(board_.get64(kOtherTarget), 0x5555'0000'0000'0000u);
  EXPECT_EQ(counters().refills, 0u);
}

}  // namespace
}  // namespace emu::riscv::test
